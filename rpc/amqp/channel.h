#ifndef RPC_AMQP_CHANNEL_H_
#define RPC_AMQP_CHANNEL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "rpc/amqp/assembly.h"
#include "rpc/amqp/encoder.h"
#include "rpc/amqp/ending.h"
#include "rpc/amqp/frames.h"
#include "rpc/amqp/modes.h"
#include "rpc/amqp/plan_steps.h"
#include "rpc/amqp/reply_code.h"
#include "rpc/amqp/session_listener.h"
#include "rpc/amqp/session_options.h"
#include "rpc/amqp/topology.h"
#include "rpc/amqp/unconfirmed.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"

namespace rpc::amqp {

// One channel of a Session: its plan, its consumer, its confirms, and the
// messages that arrive on it. The session owns it and passes frames and time
// on; an error that it returns is the peer's breach of the protocol, which ends
// the connection. Thread-compatible.
class Channel {
 public:
  // `options`, `encoder` and `listener` must outlive the channel.
  Channel(std::uint16_t number, ChannelPlan plan, ChannelListener* listener,
          const SessionOptions& options, Encoder* encoder, TimePoint now)
      : number_(number),
        steps_(std::move(plan)),
        listener_(*listener),
        options_(options),
        encoder_(*encoder),
        assembly_(options.body_limit) {
    SendStep(now);
  }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  std::uint16_t number() const { return number_; }
  bool ready() const { return state_ == State::kReady; }
  bool flowing() const { return flowing_; }
  // The channel is over; End() with ending() is to follow.
  bool closed() const { return state_ == State::kClosed; }
  const Ending& ending() const { return ending_; }
  // The step that the broker is working at, for messages; empty when ready.
  std::string PendingStep() const {
    return state_ == State::kOpening ? steps_.Describe() : "";
  }

  absl::Status OnFrame(const FramePayload& payload, TimePoint now) {
    if (const auto* close = payload.If<frame::ChannelClose>()) {
      OnClose(*close);
      return absl::OkStatus();
    }
    if (state_ == State::kClosing) {
      // What the broker sent before it saw our close.
      if (payload.Is<frame::ChannelCloseOk>()) {
        state_ = State::kClosed;
      }
      return absl::OkStatus();
    }
    // In the order of how often they come.
    absl::Status status;
    if (Handles<frame::Deliver, frame::ContentHeader, frame::Body, frame::Ack,
                frame::Nack, frame::Return, frame::ChannelFlow, frame::Cancel,
                frame::CancelOk>(payload, now, status)) {
      return status;
    }
    return OnAnswer(payload, now);
  }

  absl::Status OnTime(TimePoint now) {
    if (now >= answer_due_) {
      return absl::UnavailableError(
          absl::StrCat(Awaited(), ": the broker did not answer within ",
                       absl::FormatDuration(options_.step_timeout)));
    }
    if (now >= message_due_) {
      return absl::UnavailableError(
          absl::StrCat("a message did not arrive completely within ",
                       absl::FormatDuration(options_.message_timeout)));
    }
    return absl::OkStatus();
  }

  TimePoint NextWake() const { return std::min(answer_due_, message_due_); }

  // The commands of Session, for a channel that is ready().
  absl::StatusOr<std::uint64_t> Publish(std::string_view exchange,
                                        std::string_view routing_key,
                                        const Properties& properties,
                                        std::string_view body,
                                        Mandatory mandatory) {
    amqp_basic_publish_t method = {};
    method.exchange = ToAmqp(exchange);
    method.routing_key = ToAmqp(routing_key);
    method.mandatory = mandatory == Mandatory::kYes;
    absl::Status status = encoder_.Publish(number_, method, properties, body);
    if (!status.ok()) return Annotate(status, "basic.publish");
    if (steps_.plan().confirms == Confirms::kOff) return std::uint64_t{0};
    return unconfirmed_.Add();
  }

  void Ack(std::uint64_t tag, AckMode mode) {
    amqp_basic_ack_t method = {};
    method.delivery_tag = tag;
    method.multiple = mode == AckMode::kMultiple;
    Send(AMQP_BASIC_ACK_METHOD, method);
  }

  void Reject(std::uint64_t tag, Requeue requeue) {
    amqp_basic_reject_t method = {};
    method.delivery_tag = tag;
    method.requeue = requeue == Requeue::kYes;
    Send(AMQP_BASIC_REJECT_METHOD, method);
  }

  void CancelConsumer(TimePoint now) {
    if (!steps_.plan().consumer.has_value() || cancelling_) return;
    cancelling_ = true;
    amqp_basic_cancel_t method = {};
    method.consumer_tag = ToAmqp(steps_.names().consumer_tag);
    Send(AMQP_BASIC_CANCEL_METHOD, method);
    AwaitAnswer(now);
  }

  // By its owner, also before it is ready. The owner is told now, since it
  // hears nothing more in any case: a channel that is in trouble may be slow to
  // answer.
  void Leave(TimePoint now) {
    if (state_ == State::kClosing || closed()) return;
    Close({absl::CancelledError("the channel was closed by its owner"),
           Retry::kNever},
          now);
    // What the broker has delivered here goes to others when it closes.
    if (!HoldsDeliveries()) answer_due_ = kNever;
    End(ending_);
  }

  // Tells the listener, unless it was told.
  void End(const Ending& ending) {
    if (std::exchange(told_, true)) return;
    listener_.OnChannelClosed(ending.status, ending.retry);
  }

 private:
  enum class State { kOpening, kReady, kClosing, kClosed };

  // Whether the frame is one of these; then `status` is what became of it.
  template <typename... Frames>
  bool Handles(const FramePayload& payload, TimePoint now,
               absl::Status& status) {
    const auto handle = [&](const auto* frame) {
      if (frame != nullptr) status = On(*frame, now);
      return frame != nullptr;
    };
    return (handle(payload.If<Frames>()) || ...);
  }

  // What is left are the answers to the steps of the plan.
  absl::Status OnAnswer(const FramePayload& payload, TimePoint now) {
    if (state_ != State::kOpening || !steps_.Advance(payload)) {
      return absl::InternalError(
          absl::StrCat("the broker sent an answer out of turn on channel ",
                       number_, " while we were ", steps_.Describe()));
    }
    answer_due_ = kNever;
    SendStep(now);
    return absl::OkStatus();
  }

  absl::Status On(const frame::Deliver& deliver, TimePoint now) {
    if (!steps_.asked_to_consume()) return Unasked("basic.deliver");
    return Begin(deliver, now);
  }
  absl::Status On(const frame::Return& returned, TimePoint now) {
    if (state_ != State::kReady) return Unasked("basic.return");
    return Begin(returned, now);
  }
  absl::Status On(const frame::ContentHeader& header, TimePoint) {
    return Added(assembly_.Add(header));
  }
  absl::Status On(const frame::Body& body, TimePoint) {
    return Added(assembly_.Add(body));
  }

  absl::Status On(const frame::Ack& ack, TimePoint) {
    return Settle(ack.tag, ack.multiple, Confirm::kAck);
  }
  absl::Status On(const frame::Nack& nack, TimePoint) {
    return Settle(nack.tag, nack.multiple, Confirm::kNack);
  }

  absl::Status On(const frame::ChannelFlow& flow, TimePoint) {
    // Or a broker that reads nothing could fill our memory with answers.
    if (encoder_.out().total_sent() < flow_answered_at_) {
      return absl::InternalError(
          "the broker sent channel.flow before it had our answer to the last");
    }
    flowing_ = flow.active;
    amqp_channel_flow_ok_t method = {};
    method.active = flow.active;
    Send(AMQP_CHANNEL_FLOW_OK_METHOD, method);
    flow_answered_at_ = encoder_.out().total_appended();
    return absl::OkStatus();
  }

  absl::Status On(const frame::Cancel&, TimePoint) {
    if (!steps_.asked_to_consume()) return Unasked("basic.cancel");
    listener_.OnConsumerCancelled();
    return absl::OkStatus();
  }
  absl::Status On(const frame::CancelOk&, TimePoint) {
    if (!cancelling_ || answer_due_ == kNever) {
      return Unasked("basic.cancel-ok");
    }
    answer_due_ = kNever;
    listener_.OnCancelled();
    return absl::OkStatus();
  }

  static absl::Status Unasked(const char* method) {
    return absl::InternalError(
        absl::StrCat("the broker sent ", method, " unasked"));
  }

  template <typename Method>
  absl::Status Begin(const Method& method, TimePoint now) {
    message_due_ = Deadline::After(options_.message_timeout, now).at();
    return assembly_.Begin(method, now);
  }

  absl::Status Added(const absl::Status& status) {
    if (!status.ok() || !assembly_.complete()) return status;
    message_due_ = kNever;
    if (assembly_.is_return()) {
      listener_.OnReturn(assembly_.TakeReturn());
    } else {
      listener_.OnDelivery(assembly_.TakeDelivery());
    }
    return absl::OkStatus();
  }

  absl::Status Settle(std::uint64_t tag, bool multiple, Confirm confirm) {
    const AckMode mode = multiple ? AckMode::kMultiple : AckMode::kSingle;
    return unconfirmed_.Settled(tag, mode, [&](std::uint64_t sequence) {
      // It may leave at the first of several.
      if (!told_) listener_.OnConfirm(sequence, confirm);
    });
  }

  bool HoldsDeliveries() const {
    return steps_.asked_to_consume() &&
           steps_.plan().consumer->acks == AckPolicy::kManual;
  }

  void Close(Ending ending, TimePoint now) {
    state_ = State::kClosing;
    ending_ = std::move(ending);
    amqp_channel_close_t method = {};
    method.reply_code = AMQP_REPLY_SUCCESS;
    Send(AMQP_CHANNEL_CLOSE_METHOD, method);
    message_due_ = kNever;
    AwaitAnswer(now);
  }

  void OnClose(const frame::ChannelClose& close) {
    Send(AMQP_CHANNEL_CLOSE_OK_METHOD, amqp_channel_close_ok_t{});
    if (state_ != State::kClosing) {
      ending_.status =
          Annotate(StatusOfReply(close.code, close.text), steps_.Describe());
      ending_.retry =
          state_ == State::kOpening ? RetryOfStep(close.code) : Retry::kYes;
    }
    state_ = State::kClosed;
  }

  // What the plan itself makes was deleted meanwhile, and comes again.
  Retry RetryOfStep(std::uint16_t reply_code) const {
    return reply_code == AMQP_NOT_FOUND && steps_.NeedsForeignName()
               ? Retry::kNever
               : RetryOfRefusedStep(reply_code);
  }

  // Sends the next step of the plan, or tells that there is none left.
  void SendStep(TimePoint now) {
    if (steps_.done()) {
      state_ = State::kReady;
      listener_.OnReady(steps_.names());
      return;
    }
    AwaitAnswer(now);
    const absl::Status status = steps_.Send(encoder_, number_);
    if (!status.ok()) {
      Close({Annotate(status, steps_.Describe()), Retry::kNever}, now);
    }
  }

  // What the broker has not answered.
  std::string Awaited() const {
    switch (state_) {
      case State::kOpening:
        return steps_.Describe();
      case State::kClosing:
        return "closing the channel";
      default:
        return "cancelling the consumer";
    }
  }

  void AwaitAnswer(TimePoint now) {
    answer_due_ = Deadline::After(options_.step_timeout, now).at();
  }

  // For methods of fixed size, which always fit.
  template <typename Method>
  void Send(amqp_method_number_t number, Method method) {
    encoder_.Append(number_, number, method).IgnoreError();
  }

  const std::uint16_t number_;
  PlanSteps steps_;
  ChannelListener& listener_;
  const SessionOptions& options_;
  Encoder& encoder_;
  Assembly assembly_;
  Unconfirmed unconfirmed_;

  State state_ = State::kOpening;
  bool flowing_ = true;
  std::uint64_t flow_answered_at_ = 0;  // in all bytes ever appended
  bool cancelling_ = false;
  Ending ending_;
  bool told_ = false;
  TimePoint answer_due_ = kNever;
  TimePoint message_due_ = kNever;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_CHANNEL_H_
