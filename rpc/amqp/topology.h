#ifndef RPC_AMQP_TOPOLOGY_H_
#define RPC_AMQP_TOPOLOGY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rpc/amqp/message.h"

// What a channel declares, and what it is for. Value types; names and meanings
// are those of RabbitMQ's documentation.
namespace rpc::amqp {

// kPassive checks that the exchange or queue exists and declares nothing.
enum class Declare { kActive, kPassive };

struct Exchange {
  std::string name = {};
  std::string type = "direct";
  bool durable = true;
  bool auto_delete = false;
  bool internal = false;
  std::vector<Header> arguments = {};
  Declare declare = Declare::kActive;
};

struct Queue {
  std::string name = {};  // empty: the broker makes one up
  bool durable = true;
  bool exclusive = false;
  bool auto_delete = false;
  std::vector<Header> arguments = {};  // x-queue-type, x-max-length, ...
  Declare declare = Declare::kActive;
};

struct Binding {
  std::string exchange = {};
  std::string queue = {};  // empty: the queue declared last on the channel
  std::string routing_key = {};
  std::vector<Header> arguments = {};
};

// Declared in the order of the members.
struct Topology {
  std::vector<Exchange> exchanges = {};
  std::vector<Queue> queues = {};
  std::vector<Binding> bindings = {};
};

enum class AckPolicy { kManual, kNone };

struct Consumer {
  std::string queue = {};  // empty: the queue declared last on the channel
  std::string tag = {};    // empty: the broker makes one up
  AckPolicy acks = AckPolicy::kManual;
  bool exclusive = false;
  std::vector<Header> arguments = {};
};

// kOn: the broker answers each publish of the channel with an ack or a nack.
enum class Confirms { kOff, kOn };

// The steps that a channel takes after channel.open, each awaited before the
// next: topology, confirms, prefetch, consumer. Then it is ready.
struct ChannelPlan {
  Topology topology = {};
  Confirms confirms = Confirms::kOff;
  std::uint16_t prefetch = 0;  // unacknowledged deliveries; 0: no limit
  std::optional<Consumer> consumer = {};
};

// The names that the broker chose or confirmed.
struct ChannelNames {
  std::string queue = {};  // the queue declared last; empty if none was
  std::string consumer_tag = {};
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_TOPOLOGY_H_
