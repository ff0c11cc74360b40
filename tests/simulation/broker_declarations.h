#ifndef TESTS_SIMULATION_BROKER_DECLARATIONS_H_
#define TESTS_SIMULATION_BROKER_DECLARATIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "rpc/amqp/frames.h"
#include "rpc/amqp/rabbitmq_c.h"
#include "tests/amqp/sent_frames.h"
#include "tests/simulation/broker_message.h"
#include "tests/simulation/broker_queues.h"
#include "tests/simulation/broker_sender.h"

namespace rpc::simulation {

// What a client declares on a connection of the simulated broker's.
class BrokerDeclarations {
 public:
  // `owner` is who owns the exclusive queues.
  BrokerDeclarations(BrokerQueues* queues, BrokerSender* sender,
                     BrokerPeer* owner)
      : queues_(*queues), sender_(*sender), owner_(owner) {}

  // The queue declared last.
  const std::string& last_queue() const { return last_queue_; }

  enum class Outcome { kDone, kNotFound, kUnknown };
  // Answers what is done.
  Outcome OnFrame(const amqp::SentFrame& frame) {
    switch (frame.method) {
      case AMQP_EXCHANGE_DECLARE_METHOD:
        return Declare(frame.channel,
                       amqp::Arguments<amqp_exchange_declare_t>(frame, pool_));
      case AMQP_QUEUE_DECLARE_METHOD:
        return Declare(frame.channel,
                       amqp::Arguments<amqp_queue_declare_t>(frame, pool_));
      case AMQP_QUEUE_BIND_METHOD: {
        const auto& bind = amqp::Arguments<amqp_queue_bind_t>(frame, pool_);
        if (!queues_.Bind(amqp::ToView(bind.exchange),
                          amqp::ToView(bind.queue))) {
          return Outcome::kNotFound;
        }
        sender_.Send(frame.channel, amqp::frame::QueueBindOk{});
        return Outcome::kDone;
      }
      default:
        return Outcome::kUnknown;
    }
  }

 private:
  Outcome Declare(std::uint16_t channel,
                  const amqp_exchange_declare_t& declare) {
    const std::string_view name = amqp::ToView(declare.exchange);
    if (declare.passive && !queues_.HasExchange(name)) {
      return Outcome::kNotFound;
    }
    if (!declare.passive) queues_.DeclareExchange(name);
    sender_.Send(channel, amqp::frame::ExchangeDeclareOk{});
    return Outcome::kDone;
  }

  Outcome Declare(std::uint16_t channel, const amqp_queue_declare_t& declare) {
    std::string name(amqp::ToView(declare.queue));
    if (declare.passive && queues_.Find(name) == nullptr) {
      return Outcome::kNotFound;
    }
    BrokerPeer* const owner = declare.exclusive ? owner_ : nullptr;
    last_queue_ = queues_.Find(name) != nullptr
                      ? name
                      : queues_.Declare(std::move(name), owner);
    sender_.Send(channel,
                 amqp::frame::QueueDeclareOk{sender_.Keep(last_queue_), 0, 0});
    return Outcome::kDone;
  }

  BrokerQueues& queues_;
  BrokerSender& sender_;
  BrokerPeer* const owner_;
  std::string last_queue_;
  amqp::MethodPool pool_;
};

}  // namespace rpc::simulation

#endif  // TESTS_SIMULATION_BROKER_DECLARATIONS_H_
