#ifndef TESTS_SIMULATION_BROKER_SENDER_H_
#define TESTS_SIMULATION_BROKER_SENDER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "rpc/amqp/frames.h"
#include "rpc/amqp/message.h"
#include "tests/simulation/broker_message.h"
#include "tests/simulation/wire.h"
#include "tests/simulation/world.h"

namespace rpc::simulation {

// Puts the broker's frames onto a connection's wire.
class BrokerSender {
 public:
  BrokerSender(World* world, Wire* wire) : world_(*world), wire_(*wire) {}

  // Views in `payload` have to stay: see Keep().
  void Send(std::uint16_t channel, amqp::FramePayload payload) {
    wire_.Send({{channel, payload}});
  }

  // The content header and the body of a message that stays.
  void SendContent(std::uint16_t channel, const BrokerMessage& message) {
    auto properties = std::make_unique<amqp::Properties>(message.properties);
    amqp::Properties* const view = properties.get();
    wire_.Send(
        {{channel, amqp::frame::ContentHeader{message.body.size(), view}},
         std::move(properties)});
    const std::string_view body = message.body;
    if (body.empty()) return;
    const std::size_t cut = world_.random().Below(body.size());
    if (cut > 0) Send(channel, amqp::frame::Body{body.substr(0, cut)});
    wire_.Send({{channel, amqp::frame::Body{body.substr(cut)}},
                nullptr,
                message.replies_to,
                message.properties.type.empty()});
  }

  // Copies, for frames to be views of.
  std::string_view Keep(std::string text) {
    return texts_.emplace_back(std::move(text));
  }
  const BrokerMessage& Keep(BrokerMessage message) {
    return messages_.emplace_back(std::move(message));
  }

 private:
  World& world_;
  Wire& wire_;
  std::deque<std::string> texts_;
  std::deque<BrokerMessage> messages_;
};

}  // namespace rpc::simulation

#endif  // TESTS_SIMULATION_BROKER_SENDER_H_
