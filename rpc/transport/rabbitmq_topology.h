#ifndef RPC_TRANSPORT_RABBITMQ_TOPOLOGY_H_
#define RPC_TRANSPORT_RABBITMQ_TOPOLOGY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rpc/amqp/topology.h"

namespace rpc {

// Whether messages survive a broker's restart in a durable queue.
enum class DeliveryMode : std::uint8_t { kTransient = 1, kPersistent = 2 };

// Where requests go and where they are taken from. The server declares it; the
// client declares nothing of it and needs no right to. A value; take a preset
// and change what differs.
struct RabbitMqTopology {
  // What the server declares before it consumes.
  amqp::Topology declared = {};
  // What the server consumes from.
  std::string queue = {};
  // Where the client publishes to; the default exchange if empty.
  std::string exchange = {};
  std::string routing_key = {};
  // Of requests and replies. Transient by default: who waits for a reply is
  // gone after a restart anyway, and persistence costs a quarter of the
  // throughput. But: a classic queue of RabbitMQ's (seen with 3.10) in which
  // transient requests waited when its broker was shut down in good order never
  // again marks what it redelivers, until it is deleted. Servers then take what
  // may have run for new, and can say NotRun() of it. A quorum queue, or
  // kPersistent, has no such gap.
  DeliveryMode delivery_mode = DeliveryMode::kTransient;
  // The server's prefetch unless its user chose one. 0: by its workers.
  int prefetch = 0;
  // Whether the broker confirms each request to the client, whatever the
  // guarantee: what a queue needs that fails over. Costs a tenth to a quarter
  // of the throughput.
  amqp::Confirms confirms = amqp::Confirms::kOff;
  // What the queue's own x-delivery-limit is; the last delivery before it is
  // answered ABORTED and dead-lettered. 0: the queue counts no deliveries.
  int delivery_limit = 0;
};

// A durable classic queue behind the default exchange, as in RabbitMQ's own
// tutorial on RPC.
inline RabbitMqTopology TutorialQueue(std::string_view name) {
  RabbitMqTopology topology;
  topology.queue = name;
  topology.routing_key = name;
  amqp::Queue queue;
  queue.name = name;
  topology.declared.queues.push_back(std::move(queue));
  return topology;
}

// The queue and exchange of the reference Fibonacci server: a durable queue
// bound with "#" to a durable topic exchange, one request at a time, persistent
// messages.
inline RabbitMqTopology ReferenceTopology(
    std::string_view queue = "task_queue",
    std::string_view exchange = "logs_rpc") {
  RabbitMqTopology topology = TutorialQueue(queue);
  topology.exchange = exchange;
  topology.delivery_mode = DeliveryMode::kPersistent;
  topology.prefetch = 1;
  amqp::Exchange declared;
  declared.name = exchange;
  declared.type = "topic";
  topology.declared.exchanges.push_back(std::move(declared));
  amqp::Binding binding;
  binding.exchange = exchange;
  binding.queue = queue;
  binding.routing_key = "#";
  topology.declared.bindings.push_back(std::move(binding));
  return topology;
}

// A replicated queue that gives up on a request after `delivery_limit`
// deliveries. What it gives up on goes by the exchange `name` + ".dead" to the
// queue of that name, which keeps the last 10,000; what expires is gone.
inline RabbitMqTopology QuorumQueue(std::string_view name,
                                    int delivery_limit = 10) {
  RabbitMqTopology topology = TutorialQueue(name);
  const std::string dead_letters = std::string(name) + ".dead";
  topology.delivery_limit = delivery_limit;
  topology.confirms = amqp::Confirms::kOn;
  topology.declared.queues.front().arguments = std::vector<amqp::Header>{
      {"x-queue-type", std::string("quorum")},
      {"x-delivery-limit", std::int64_t{delivery_limit}},
      {"x-dead-letter-exchange", dead_letters}};
  amqp::Exchange exchange;
  exchange.name = dead_letters;
  exchange.type = "headers";
  topology.declared.exchanges.push_back(std::move(exchange));
  // Replicated, too: a queue of one node cannot be declared while that is down.
  amqp::Queue dead = {.name = dead_letters,
                      .arguments = {{"x-queue-type", std::string("quorum")},
                                    {"x-max-length", std::int64_t{10'000}},
                                    {"x-overflow", std::string("drop-head")}}};
  topology.declared.queues.push_back(std::move(dead));
  // Without "-with-x" the exchange is blind to headers that begin with "x-".
  for (const char* reason : {"delivery_limit", "rejected"}) {
    topology.declared.bindings.push_back(
        {.exchange = dead_letters,
         .queue = dead_letters,
         .arguments = {{"x-match", std::string("all-with-x")},
                       {"x-first-death-reason", std::string(reason)}}});
  }
  return topology;
}

// A queue that others manage: it is checked for, not declared.
inline RabbitMqTopology PassiveQueue(std::string_view name) {
  RabbitMqTopology topology = TutorialQueue(name);
  topology.declared.queues.front().declare = amqp::Declare::kPassive;
  return topology;
}

}  // namespace rpc

#endif  // RPC_TRANSPORT_RABBITMQ_TOPOLOGY_H_
