#ifndef BENCHMARKS_RABBITMQ_TOPOLOGY_H_
#define BENCHMARKS_RABBITMQ_TOPOLOGY_H_

#include "benchmarks/rabbitmq/flags.h"
#include "rpc/transport/rabbitmq_options.h"
#include "rpc/transport/rabbitmq_topology.h"

namespace rpc::benchmarks {

// What --topology and --queue name. A queue for each kind: a queue that exists
// keeps its kind.
inline RabbitMqTopology TopologyOf(const Flags& flags) {
  if (flags.topology == "quorum") return QuorumQueue(flags.queue + ".quorum");
  RabbitMqTopology topology = TutorialQueue(flags.queue);
  if (flags.topology == "persistent") {
    topology.delivery_mode = DeliveryMode::kPersistent;
  }
  return topology;
}

inline RabbitMqOptions TransportOf(const Flags& flags) {
  RabbitMqOptions options;
  options.url = flags.broker;
  options.tls.ca_file = flags.ca_file;
  options.topology = TopologyOf(flags);
  return options;
}

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_RABBITMQ_TOPOLOGY_H_
