#ifndef TESTS_SIMULATION_BROKER_MESSAGE_H_
#define TESTS_SIMULATION_BROKER_MESSAGE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "rpc/amqp/message.h"
#include "rpc/base/deadline.h"

namespace rpc::simulation {

struct BrokerMessage;

// A connection, as queues know it.
class BrokerPeer {
 public:
  virtual bool HasRoom(std::uint16_t channel) const = 0;
  virtual void Deliver(std::uint16_t channel, const std::string& queue,
                       BrokerMessage* message) = 0;
  // The consumer's queue is gone.
  virtual void Cancel(std::uint16_t channel) = 0;

 protected:
  ~BrokerPeer() = default;
};

// A message in the hands of the simulated broker. Lives as long as the broker.
struct BrokerMessage {
  // The order of arrival.
  std::size_t number = 0;
  std::string exchange = {};
  std::string routing_key = {};
  amqp::Properties properties = {};
  std::string body = {};
  TimePoint expires = kNever;
  bool redelivered = false;
  int deliveries = 0;  // that were given back
  // The argument of the call whose genuine reply this is; -1: none.
  std::int64_t replies_to = -1;
};

// A queue: what waits in it, and who takes turns at it.
struct BrokerQueue {
  struct ConsumerRef {
    BrokerPeer* connection;
    std::uint16_t channel;
    friend bool operator==(const ConsumerRef&, const ConsumerRef&) = default;
  };

  std::string name = {};
  // Null unless it is exclusive.
  BrokerPeer* owner = nullptr;
  // How many messages had arrived at the broker before it was declared.
  std::size_t born = 0;
  std::deque<BrokerMessage*> ready = {};
  std::vector<ConsumerRef> consumers = {};

  // Where it was before it was delivered.
  void GiveBack(BrokerMessage* message) {
    message->redelivered = true;
    auto at = ready.begin();
    while (at != ready.end() && (*at)->number < message->number) ++at;
    ready.insert(at, message);
  }
};

}  // namespace rpc::simulation

#endif  // TESTS_SIMULATION_BROKER_MESSAGE_H_
