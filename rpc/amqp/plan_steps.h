#ifndef RPC_AMQP_PLAN_STEPS_H_
#define RPC_AMQP_PLAN_STEPS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "rpc/amqp/encoder.h"
#include "rpc/amqp/frames.h"
#include "rpc/amqp/methods.h"
#include "rpc/amqp/topology.h"

namespace rpc::amqp {

// Walks through the steps of a ChannelPlan: sends one, recognises its answer,
// goes on to the next. Thread-compatible.
class PlanSteps {
 public:
  explicit PlanSteps(ChannelPlan plan) : plan_(std::move(plan)) {}

  bool done() const { return kind_ == Kind::kDone; }
  const ChannelPlan& plan() const { return plan_; }
  const ChannelNames& names() const { return names_; }
  // The broker was asked for deliveries, and may have answered.
  bool asked_to_consume() const {
    return plan_.consumer.has_value() && kind_ >= Kind::kConsume;
  }

  // Sends the current step's method; INVALID_ARGUMENT if it cannot be encoded.
  absl::Status Send(Encoder& encoder, std::uint16_t channel) const {
    const Topology& topology = plan_.topology;
    switch (kind_) {
      case Kind::kOpen:
        return encoder.Append(channel, AMQP_CHANNEL_OPEN_METHOD,
                              amqp_channel_open_t{});
      case Kind::kExchange:
        return Append(encoder, channel, topology.exchanges[index_]);
      case Kind::kQueue:
        return Append(encoder, channel, topology.queues[index_]);
      case Kind::kBinding:
        return Append(encoder, channel, topology.bindings[index_]);
      case Kind::kConfirm:
        return encoder.Append(channel, AMQP_CONFIRM_SELECT_METHOD,
                              amqp_confirm_select_t{});
      case Kind::kQos: {
        amqp_basic_qos_t method = {};
        method.prefetch_count = plan_.prefetch;
        return encoder.Append(channel, AMQP_BASIC_QOS_METHOD, method);
      }
      case Kind::kConsume:
        return Append(encoder, channel, *plan_.consumer);
      case Kind::kDone:
        break;
    }
    return absl::OkStatus();
  }

  // If `answer` is that of the current step, goes on to the next one.
  bool Advance(const FramePayload& answer) {
    if (!Answers(answer)) return false;
    if (const auto* ok = answer.If<frame::QueueDeclareOk>()) {
      names_.queue = ok->queue;
    } else if (const auto* consume = answer.If<frame::ConsumeOk>()) {
      names_.consumer_tag = consume->consumer_tag;
    }
    ++index_;
    while (!done() && index_ >= Count()) {
      kind_ = static_cast<Kind>(static_cast<int>(kind_) + 1);
      index_ = 0;
    }
    return true;
  }

  // The current step names a queue or an exchange that no step of the plan
  // makes: where it is missing, somebody else has to make it.
  bool NeedsForeignName() const {
    const Topology& topology = plan_.topology;
    switch (kind_) {
      case Kind::kExchange:
        return topology.exchanges[index_].declare == Declare::kPassive;
      case Kind::kQueue:
        return topology.queues[index_].declare == Declare::kPassive;
      case Kind::kBinding:
        return !MakesExchange(topology.bindings[index_].exchange) ||
               !MakesQueue(topology.bindings[index_].queue);
      case Kind::kConsume:
        return !MakesQueue(plan_.consumer->queue);
      default:
        return false;
    }
  }

  // The current step in words, for messages.
  std::string Describe() const {
    const Topology& topology = plan_.topology;
    switch (kind_) {
      case Kind::kOpen:
        return "opening a channel";
      case Kind::kExchange:
        return absl::StrCat(Verb(topology.exchanges[index_].declare),
                            " exchange '", topology.exchanges[index_].name,
                            "'");
      case Kind::kQueue:
        return absl::StrCat(Verb(topology.queues[index_].declare), " queue '",
                            topology.queues[index_].name, "'");
      case Kind::kBinding:
        return absl::StrCat("binding queue '", topology.bindings[index_].queue,
                            "' to exchange '",
                            topology.bindings[index_].exchange, "'");
      case Kind::kConfirm:
        return "switching publisher confirms on";
      case Kind::kQos:
        return absl::StrCat("setting the prefetch to ", plan_.prefetch);
      case Kind::kConsume:
        return absl::StrCat("consuming from queue '", plan_.consumer->queue,
                            "'");
      case Kind::kDone:
        break;
    }
    return "using the channel";
  }

 private:
  // In the order of the steps.
  enum class Kind {
    kOpen,
    kExchange,
    kQueue,
    kBinding,
    kConfirm,
    kQos,
    kConsume,
    kDone
  };

  static const char* Verb(Declare declare) {
    return declare == Declare::kPassive ? "checking" : "declaring";
  }

  template <typename Declaration>
  static bool Makes(const std::vector<Declaration>& declarations,
                    std::string_view name) {
    return std::any_of(
        declarations.begin(), declarations.end(), [&](const auto& each) {
          return each.name == name && each.declare == Declare::kActive;
        });
  }
  // Or the broker does.
  bool MakesExchange(std::string_view name) const {
    return name.substr(0, 4) == "amq." || Makes(plan_.topology.exchanges, name);
  }
  bool MakesQueue(std::string_view name) const {
    const std::vector<Queue>& queues = plan_.topology.queues;
    if (!name.empty()) return Makes(queues, name);
    // The queue declared last.
    return !queues.empty() && queues.back().declare == Declare::kActive;
  }

  bool Answers(const FramePayload& answer) const {
    switch (kind_) {
      case Kind::kOpen:
        return answer.Is<frame::ChannelOpenOk>();
      case Kind::kExchange:
        return answer.Is<frame::ExchangeDeclareOk>();
      case Kind::kQueue:
        return answer.Is<frame::QueueDeclareOk>();
      case Kind::kBinding:
        return answer.Is<frame::QueueBindOk>();
      case Kind::kConfirm:
        return answer.Is<frame::ConfirmSelectOk>();
      case Kind::kQos:
        return answer.Is<frame::QosOk>();
      case Kind::kConsume:
        return answer.Is<frame::ConsumeOk>();
      case Kind::kDone:
        return false;
    }
    return false;
  }

  // How many steps there are of the current kind.
  std::size_t Count() const {
    const Topology& topology = plan_.topology;
    switch (kind_) {
      case Kind::kOpen:
        return 1;
      case Kind::kExchange:
        return topology.exchanges.size();
      case Kind::kQueue:
        return topology.queues.size();
      case Kind::kBinding:
        return topology.bindings.size();
      case Kind::kConfirm:
        return plan_.confirms == Confirms::kOn ? 1 : 0;
      case Kind::kQos:
        return plan_.prefetch > 0 ? 1 : 0;
      case Kind::kConsume:
        return plan_.consumer.has_value() ? 1 : 0;
      case Kind::kDone:
        return 0;
    }
    return 0;
  }

  ChannelPlan plan_;
  ChannelNames names_;
  Kind kind_ = Kind::kOpen;
  std::size_t index_ = 0;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_PLAN_STEPS_H_
