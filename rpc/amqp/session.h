#ifndef RPC_AMQP_SESSION_H_
#define RPC_AMQP_SESSION_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "rpc/amqp/channel.h"
#include "rpc/amqp/channel_set.h"
#include "rpc/amqp/encoder.h"
#include "rpc/amqp/ending.h"
#include "rpc/amqp/frames.h"
#include "rpc/amqp/liveness.h"
#include "rpc/amqp/login.h"
#include "rpc/amqp/message.h"
#include "rpc/amqp/modes.h"
#include "rpc/amqp/out_buffer.h"
#include "rpc/amqp/reply_code.h"
#include "rpc/amqp/session_listener.h"
#include "rpc/amqp/session_options.h"
#include "rpc/amqp/topology.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"

namespace rpc::amqp {

// One AMQP 0-9-1 connection, from the protocol header to the close, as a state
// machine without I/O and without a clock: decoded frames and the time go in,
// bytes to send and calls of the listeners come out. A connection's I/O thread
// drives it in production, tests and simulators drive it frame by frame.
//
// Listeners are called only from OnFrame, OnTime, OnDisconnected and
// CloseChannel, and may call any command. Whoever drives a session calls OnTime
// at NextWake() at the latest, sends what is in out(), and drops the session
// after OnClosed, having tried once to send what is left there (a close, or the
// answer to one).
//
// Thread-compatible. Listeners must live as long as the session.
class Session {
 public:
  Session(SessionOptions options, SessionListener* listener, TimePoint now);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // What happened to the connection. Calls after OnClosed do nothing.
  void OnFrame(const Frame& frame, TimePoint now);
  void OnTime(TimePoint now);
  void OnDisconnected(const absl::Status& status, TimePoint now);
  // The peer sent what is no AMQP: ends the connection, with a word to it.
  void OnMalformed(const absl::Status& status, TimePoint now);

  TimePoint NextWake() const;
  OutBuffer& out() { return out_; }
  const OutBuffer& out() const { return out_; }

  bool open() const { return state_ == State::kOpen; }
  bool closed() const { return state_ == State::kClosed; }
  bool blocked() const { return blocked_; }
  // OnTime goes by how much of out() is on its way: see set_on_the_way().
  bool probes() const { return liveness_.asked(); }
  // The time of the call being handled.
  TimePoint now() const { return now_; }

  // Opens a channel and runs `plan` on it; `listener` hears of the outcome.
  // FAILED_PRECONDITION if the session is not open. UNAVAILABLE if all channel
  // numbers are used up: the connection then ends by itself, to be redialled.
  absl::StatusOr<ChannelId> OpenChannel(ChannelPlan plan,
                                        ChannelListener* listener,
                                        TimePoint now);

  // The channel is ready, neither the connection is blocked nor the channel
  // stopped by channel.flow, and less than `out_limit` bytes wait to be sent.
  bool CanPublish(ChannelId id) const;

  // Encodes one message; it is sent with the next turn and cannot be revoked.
  // Returns its confirm's sequence number, or 0 without confirms. UNAVAILABLE
  // if not CanPublish(); RESOURCE_EXHAUSTED if `body` is over the limit;
  // INVALID_ARGUMENT if a name or the headers are too long to be encoded.
  absl::StatusOr<std::uint64_t> Publish(ChannelId id, std::string_view exchange,
                                        std::string_view routing_key,
                                        const Properties& properties,
                                        std::string_view body,
                                        Mandatory mandatory);

  // Settle deliveries. What the channel no longer knows is dropped: the broker
  // has requeued all that was open on a closed channel.
  void Ack(ChannelId id, std::uint64_t tag, AckMode mode);
  void Reject(ChannelId id, std::uint64_t tag, Requeue requeue);

  // Asks the broker to stop deliveries; OnCancelled follows.
  void CancelConsumer(ChannelId id);
  // Calls OnChannelClosed, and frees the owner to open another one.
  void CloseChannel(ChannelId id);
  // Says goodbye after what is already in out(); OnClosed follows.
  void Close();

 private:
  enum class State { kLogin, kOpen, kClosing, kClosed };

  void OnConnectionFrame(const FramePayload& payload);
  void OnChannelFrame(const Frame& frame);
  void OnLoginFrame(const FramePayload& payload);
  void OnClose(const frame::Close& close);

  // Ends the connection after telling the peer why.
  void Fail(std::uint16_t code, const absl::Status& status);
  void End(Ending ending);

  Channel* FindReady(ChannelId id) const;
  absl::Status UsedUp() const;

  const SessionOptions options_;
  SessionListener* const listener_;
  OutBuffer out_;
  Encoder encoder_{&out_};
  Login login_;
  ChannelSet channels_;

  State state_ = State::kLogin;
  bool blocked_ = false;
  bool numbers_used_up_ = false;
  TimePoint now_;
  TimePoint limit_;  // of the login or of the close
  Liveness liveness_;
};

inline Session::Session(SessionOptions options, SessionListener* listener,
                        TimePoint now)
    : options_(std::move(options)),
      listener_(listener),
      login_(options_, &encoder_),
      now_(now),
      limit_(Deadline::After(options_.login_timeout, now).at()),
      liveness_(&encoder_, now) {}

inline void Session::OnFrame(const Frame& frame, TimePoint now) {
  if (closed()) return;
  now_ = now;
  liveness_.Heard(now);
  if (frame.payload.Is<frame::Heartbeat>()) return;
  liveness_.HeardFrame();
  if (frame.channel == 0) {
    OnConnectionFrame(frame.payload);
  } else {
    OnChannelFrame(frame);
  }
}

inline void Session::OnConnectionFrame(const FramePayload& payload) {
  if (const auto* close = payload.If<frame::Close>()) {
    OnClose(*close);
  } else if (state_ == State::kClosing) {
    if (payload.Is<frame::CloseOk>()) {
      End({absl::CancelledError("the connection was closed by its owner"),
           Retry::kNever});
    }
  } else if (state_ == State::kLogin) {
    OnLoginFrame(payload);
  } else if (const auto* blocked = payload.If<frame::Blocked>()) {
    blocked_ = true;
    listener_->OnBlocked(blocked->reason);
  } else if (payload.Is<frame::Unblocked>()) {
    blocked_ = false;
    listener_->OnUnblocked();
  } else {
    Fail(AMQP_COMMAND_INVALID,
         absl::InternalError(
             "the broker sent a method on channel 0 that has no place there"));
  }
}

inline void Session::OnLoginFrame(const FramePayload& payload) {
  Ending ending = login_.OnFrame(payload);
  if (!ending.status.ok()) return End(std::move(ending));
  if (!login_.done()) return;
  state_ = State::kOpen;
  limit_ = kNever;
  liveness_.Start(login_.heartbeat(), now_);
  listener_->OnOpen();
}

inline void Session::OnClose(const frame::Close& close) {
  encoder_
      .Append(0, AMQP_CONNECTION_CLOSE_OK_METHOD, amqp_connection_close_ok_t{})
      .IgnoreError();
  if (state_ == State::kLogin) return End(login_.OnClose(close));
  Ending ending = {StatusOfReply(close.code, close.text), Retry::kYes};
  // The broker ends the whole connection for some declarations; the next
  // connection would end the same way.
  for (const auto& channel : channels_) {
    const std::string step = channel->PendingStep();
    if (step.empty() || close.class_id == 0) continue;
    ending = {Annotate(ending.status, step), RetryOfRefusedStep(close.code)};
    break;
  }
  End(std::move(ending));
}

inline void Session::OnChannelFrame(const Frame& frame) {
  if (state_ != State::kOpen) {
    if (state_ == State::kClosing) return;
    return Fail(AMQP_CHANNEL_ERROR,
                absl::InternalError("the broker used a channel before login"));
  }
  const std::uint16_t number = frame.channel;
  Channel* channel = channels_.Find(ChannelId{number});
  if (channel == nullptr) {
    // Late frames of a closed channel are no fault.
    if (channels_.Used(number)) return;
    return Fail(AMQP_CHANNEL_ERROR, absl::InternalError(absl::StrCat(
                                        "the broker used channel ", number,
                                        ", which was never opened")));
  }
  if (frame.payload.Is<frame::ChannelFlowOk>() && liveness_.Answered(number)) {
    return;
  }
  const absl::Status status = channel->OnFrame(frame.payload, now_);
  if (!status.ok()) return Fail(AMQP_UNEXPECTED_FRAME, status);
  if (!channel->closed()) return;
  liveness_.ChannelClosed(number);
  const std::unique_ptr<Channel> over = channels_.Take(channel);
  over->End(over->ending());
}

inline void Session::OnTime(TimePoint now) {
  if (closed()) return;
  now_ = now;
  if (now >= limit_) {
    if (state_ == State::kClosing) {
      return End({absl::CancelledError("the connection was closed by its owner;"
                                       " the broker did not answer"),
                  Retry::kNever});
    }
    return End({absl::UnavailableError(absl::StrCat(
        "login took longer than ", absl::FormatDuration(options_.login_timeout),
        ", ", login_.Waiting()))});
  }
  if (numbers_used_up_) return Fail(AMQP_REPLY_SUCCESS, UsedUp());
  for (const auto& channel : channels_) {
    const absl::Status status = channel->OnTime(now);
    if (!status.ok()) return Fail(AMQP_REPLY_SUCCESS, status);
  }
  const absl::Status alive =
      liveness_.OnTime(channels_, open() && !blocked_, now);
  if (!alive.ok()) End({alive});
}

inline TimePoint Session::NextWake() const {
  if (closed()) return kNever;
  if (numbers_used_up_) return now_;
  TimePoint wake = std::min(limit_, liveness_.NextWake());
  for (const auto& channel : channels_) {
    wake = std::min(wake, channel->NextWake());
  }
  return wake;
}

inline void Session::OnDisconnected(const absl::Status& status, TimePoint now) {
  if (closed()) return;
  now_ = now;
  if (state_ == State::kLogin) return End(login_.OnDisconnected(status));
  if (state_ == State::kClosing) {
    return End({absl::CancelledError("the connection was closed by its owner"),
                Retry::kNever});
  }
  End({status});
}

inline void Session::OnMalformed(const absl::Status& status, TimePoint now) {
  if (closed()) return;
  now_ = now;
  Fail(AMQP_FRAME_ERROR, status);
}

inline void Session::Fail(std::uint16_t code, const absl::Status& status) {
  const std::string text(ToStd(status.message()).substr(0, 255));
  amqp_connection_close_t method = {};
  method.reply_code = code;
  method.reply_text = ToAmqp(text);
  encoder_.Append(0, AMQP_CONNECTION_CLOSE_METHOD, method).IgnoreError();
  End({status});
}

inline void Session::End(Ending ending) {
  state_ = State::kClosed;
  const auto channels = channels_.TakeAll();
  for (const auto& channel : channels) {
    channel->End(ending);
  }
  listener_->OnClosed(ending.status, ending.retry);
}

inline Channel* Session::FindReady(ChannelId id) const {
  Channel* channel = channels_.Find(id);
  return open() && channel != nullptr && channel->ready() ? channel : nullptr;
}

inline absl::Status Session::UsedUp() const {
  return absl::UnavailableError(
      absl::StrCat("all ", login_.channel_max(),
                   " channel numbers of the connection were used"));
}

inline absl::StatusOr<ChannelId> Session::OpenChannel(ChannelPlan plan,
                                                      ChannelListener* listener,
                                                      TimePoint now) {
  if (!open()) {
    return absl::FailedPreconditionError(
        "OpenChannel: the session is not open; wait for OnOpen");
  }
  const std::uint16_t number = channels_.next_number();
  if (number == 0 || number > login_.channel_max()) {
    numbers_used_up_ = true;
    return UsedUp();
  }
  return channels_.Add(std::make_unique<Channel>(
      number, std::move(plan), listener, options_, &encoder_, now));
}

inline bool Session::CanPublish(ChannelId id) const {
  const Channel* channel = FindReady(id);
  return channel != nullptr && channel->flowing() && !blocked_ &&
         out_.size() < options_.out_limit;
}

inline absl::StatusOr<std::uint64_t> Session::Publish(
    ChannelId id, std::string_view exchange, std::string_view routing_key,
    const Properties& properties, std::string_view body, Mandatory mandatory) {
  if (!CanPublish(id)) {
    return absl::UnavailableError(
        "basic.publish: the channel is not ready, or the broker or the network "
        "does not keep up; wait for CanPublish");
  }
  if (body.size() > options_.body_limit) {
    return absl::ResourceExhaustedError(
        absl::StrCat("basic.publish: the body has ", body.size(),
                     " bytes, body_limit is ", options_.body_limit));
  }
  return channels_.Find(id)->Publish(exchange, routing_key, properties, body,
                                     mandatory);
}

inline void Session::Ack(ChannelId id, std::uint64_t tag, AckMode mode) {
  Channel* channel = FindReady(id);
  if (channel != nullptr) channel->Ack(tag, mode);
}

inline void Session::Reject(ChannelId id, std::uint64_t tag, Requeue requeue) {
  Channel* channel = FindReady(id);
  if (channel != nullptr) channel->Reject(tag, requeue);
}

inline void Session::CancelConsumer(ChannelId id) {
  Channel* channel = FindReady(id);
  if (channel != nullptr) channel->CancelConsumer(now_);
}

inline void Session::CloseChannel(ChannelId id) {
  Channel* channel = channels_.Find(id);
  if (!open() || channel == nullptr) return;
  // It may be in no state to answer that either.
  liveness_.ChannelClosed(channel->number());
  channel->Leave(now_);
}

inline void Session::Close() {
  if (state_ == State::kClosing || closed()) return;
  state_ = State::kClosing;
  limit_ = Deadline::After(options_.step_timeout, now_).at();
  amqp_connection_close_t method = {};
  method.reply_code = AMQP_REPLY_SUCCESS;
  method.reply_text = ToAmqp("goodbye");
  encoder_.Append(0, AMQP_CONNECTION_CLOSE_METHOD, method).IgnoreError();
}

}  // namespace rpc::amqp

#endif  // RPC_AMQP_SESSION_H_
