#ifndef RPC_TRANSPORT_RABBITMQ_SERVING_H_
#define RPC_TRANSPORT_RABBITMQ_SERVING_H_

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "rpc/amqp/ending.h"
#include "rpc/amqp/message.h"
#include "rpc/amqp/session.h"
#include "rpc/amqp/session_listener.h"
#include "rpc/amqp/topology.h"
#include "rpc/base/deadline.h"
#include "rpc/base/random_nonces.h"
#include "rpc/base/status.h"
#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"
#include "rpc/message/reply_allow_list.h"
#include "rpc/transport/rabbitmq_counters.h"
#include "rpc/transport/rabbitmq_messages.h"
#include "rpc/transport/rabbitmq_options.h"
#include "rpc/transport/rabbitmq_settlements.h"
#include "rpc/transport/transport_policy.h"

namespace rpc::rabbitmq {

// The serving half of a connection: one channel that consumes the requests,
// publishes the replies and acknowledges. Start, Stop and Flush may come from
// any thread, all else happens on the connection's I/O thread.
class Serving final : public amqp::ChannelListener {
 public:
  // `wake` causes a turn of the I/O thread.
  Serving(const RabbitMqOptions& options, Counters* counters,
          std::function<void()> wake)
      : options_(options),
        counters_(*counters),
        wake_(wake),
        allow_list_(options.allow_reply_to),
        settlements_(static_cast<std::uint8_t>(options.topology.delivery_mode),
                     options.guarantee, std::move(wake)) {}

  // INVALID_ARGUMENT if prefetch is less than 1, FAILED_PRECONDITION if it
  // serves already.
  absl::Status Start(ServerEvents* events, ServingOptions serving) {
    if (serving.prefetch < 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          "a prefetch of ", serving.prefetch, "; it must be at least 1"));
    }
    {
      const std::lock_guard lock(mutex_);
      if (!refused_.ok()) return refused_;
      if (phase_ != Phase::kOff) {
        return absl::FailedPreconditionError("the transport serves already");
      }
      phase_ = Phase::kOn;
      was_ready_ = false;
      started_ = events;
      prefetch_ = serving.prefetch_is_default && options_.topology.prefetch > 0
                      ? options_.topology.prefetch
                      : serving.prefetch;
    }
    wake_();
    return absl::OkStatus();
  }

  // Until the broker says that no delivery follows, or is gone, or `deadline`.
  // No delivery is handed out after this; one that comes is given back.
  absl::Status Stop(Deadline deadline) {
    std::unique_lock lock(mutex_);
    if (phase_ == Phase::kRefused) phase_ = Phase::kStopped;
    if (phase_ != Phase::kOn) return absl::OkStatus();
    phase_ = Phase::kStopping;
    stop_by_ = deadline.at();
    wake_();
    changed_.wait(lock, [&] { return phase_ == Phase::kStopped; });
    return absl::OkStatus();
  }

  // Until what was settled has left, or nobody is there to take it.
  // DEADLINE_EXCEEDED if that takes too long.
  absl::Status Flush(Deadline deadline) {
    std::unique_lock lock(mutex_);
    if (phase_ != Phase::kStopped) return absl::OkStatus();
    phase_ = Phase::kFlushing;
    stop_by_ = deadline.at();
    flushed_ = true;
    wake_();
    changed_.wait(lock, [&] { return phase_ == Phase::kOff; });
    if (flushed_) return absl::OkStatus();
    return absl::DeadlineExceededError(
        "the last replies could not be sent in time; their requests will be "
        "delivered again");
  }

  // The turn of the I/O thread's loop.
  TimePoint OnTurn(amqp::Session* session, TimePoint now) {
    session_ = session;
    const Phase phase = ReadPhase();
    if (phase == Phase::kOff) return kNever;
    if (phase == Phase::kOn && session != nullptr && !channel_.has_value() &&
        now >= reopen_at_) {
      Open(now);
    }
    if (phase == Phase::kStopping) TendStop(now);
    bool all_sent = true;
    if (CanTalk()) {
      all_sent = settlements_.Send(*session, *channel_);
    } else if (!channel_.has_value()) {
      settlements_.Drop();
    }
    if (phase == Phase::kFlushing) TendFlush(all_sent, now);
    return NextTurn(phase, now);
  }

  // A new epoch of the connection: there is no reason to wait.
  void OnUp() { reopen_at_ = TimePoint(); }

  // The connection is over: nothing will be taken any more, whoever asks.
  void Refuse(const absl::Status& status) {
    {
      const std::lock_guard lock(mutex_);
      refused_ = status;
    }
    RefuseThis(status);
  }

  // From amqp::ChannelListener.
  void OnReady(const amqp::ChannelNames&) override {
    ready_ = true;
    interrupted_ = false;
    {
      const std::lock_guard lock(mutex_);
      was_ready_ = true;
    }
    if (IsOn()) events_->OnServing();
  }
  void OnDelivery(amqp::Delivery&& delivery) override {
    counters_.delivered.fetch_add(1, std::memory_order_relaxed);
    const std::uint64_t token = settlements_.Delivered(delivery.tag);
    rpc::Delivery::Facts facts;
    facts.redelivered = delivery.redelivered;
    facts.earlier_deliveries = EarlierDeliveries(delivery.message.properties);
    const bool too_large = delivery.body_too_large;
    Request request;
    absl::Status fault =
        ToRequest(std::move(delivery.message), session_->now(), request);
    if (too_large) {
      fault = absl::ResourceExhaustedError(absl::StrCat(
          "the body is larger than the server's max_body_bytes of ",
          options_.max_body_bytes));
    }
    rpc::Delivery accepted(std::move(request), facts, &settlements_, token);
    HandOut(std::move(accepted), fault);
  }
  void OnConsumerCancelled() override {
    Interrupt(absl::UnavailableError(absl::StrCat(
        "the broker cancelled the consumer: queue \"",
        ToAbsl(options_.topology.queue), "\" was deleted or moved")));
    settlements_.Orphan();
    if (session_ != nullptr && channel_.has_value()) {
      session_->CloseChannel(*channel_);
    }
  }
  void OnCancelled() override { EndStop(); }
  void OnConfirm(std::uint64_t sequence, amqp::Confirm confirm) override {
    if (confirm == amqp::Confirm::kAck) return settlements_.Confirmed(sequence);
    // The reply is nowhere. Its request, and the others that are not settled,
    // come again on another channel.
    ++counters_.nacked;
    refuses_ = true;
    session_->CloseChannel(*channel_);
  }
  void OnChannelClosed(const absl::Status& status, amqp::Retry retry) override {
    ready_ = false;
    channel_.reset();
    cancel_sent_ = false;
    if (ReadPhase() != Phase::kOff && !settlements_.are_orphaned()) {
      events_->OnDeliveriesLost(settlements_);
    }
    if (std::exchange(refuses_, false)) {
      Interrupt(absl::UnavailableError("the broker does not take the replies"));
    } else if (absl::IsCancelled(status)) {
      // Closed by us: there is nothing to wait for.
      reopen_at_ = TimePoint();
    } else if (retry == amqp::Retry::kNever && !MayComeBack(status)) {
      RefuseThis(status);
    } else {
      Interrupt(status);
    }
    EndStop();
  }

 private:
  // kOff, then kOn by Start, kRefused by the broker, kStopping and kStopped by
  // Stop, kFlushing and kOff by Flush.
  enum class Phase { kOff, kOn, kRefused, kStopping, kStopped, kFlushing };
  static constexpr auto kReopen = std::chrono::milliseconds(100);
  static constexpr auto kLookAgain = std::chrono::milliseconds(1);
  // How long a stop waits for a broker that does not answer, and then for one
  // that takes nothing: together less than a second.
  static constexpr auto kCancelPatience = std::chrono::milliseconds(300);
  static constexpr auto kFlushPatience = std::chrono::milliseconds(500);
  static constexpr auto kUnknown = std::numeric_limits<std::uint64_t>::max();

  Phase ReadPhase() {
    const std::lock_guard lock(mutex_);
    events_ = started_;
    return phase_;
  }
  bool IsOn() { return ReadPhase() == Phase::kOn; }

  // The channel is up, and the connection is not being closed.
  bool CanTalk() const { return ready_ && session_ != nullptr; }

  // Somebody else's queue or exchange that was there before, and comes back
  // with its node.
  bool MayComeBack(const absl::Status& status) {
    const std::lock_guard lock(mutex_);
    return absl::IsNotFound(status) && was_ready_;
  }

  // The broker will not let it serve, as things are.
  void RefuseThis(const absl::Status& status) {
    ServerEvents* told = nullptr;
    {
      const std::lock_guard lock(mutex_);
      if (phase_ == Phase::kOn) {
        phase_ = Phase::kRefused;
        told = started_;
      }
      if (phase_ == Phase::kStopping) phase_ = Phase::kStopped;
      if (phase_ == Phase::kFlushing) phase_ = Phase::kOff;
      changed_.notify_all();
    }
    if (told != nullptr) told->OnRefused(status);
  }

  void Open(TimePoint now) {
    amqp::ChannelPlan plan = {.topology = options_.topology.declared};
    plan.prefetch = static_cast<std::uint16_t>(std::min(prefetch_, 65535));
    amqp::Consumer consumer;
    consumer.queue = options_.topology.queue;
    consumer.tag = names_.NextName();
    if (options_.guarantee == DeliveryGuarantee::kAtMostOnce) {
      consumer.acks = amqp::AckPolicy::kNone;
    }
    if (options_.guarantee == DeliveryGuarantee::kAtLeastOnceConfirmed) {
      plan.confirms = amqp::Confirms::kOn;
    }
    plan.consumer = std::move(consumer);
    settlements_.Begin();
    reopen_at_ = now + kReopen;
    const auto channel = session_->OpenChannel(std::move(plan), this, now);
    if (channel.ok()) channel_ = *channel;
  }

  void HandOut(rpc::Delivery delivery, const absl::Status& fault) {
    const Request& request = delivery.request();
    if (!request.reply_to.empty() && !allow_list_.Allows(request.reply_to)) {
      // Not to be run either: whoever sent it may not want what it asks for.
      events_->OnDropped();
      return std::move(delivery).Ack();
    }
    if (!fault.ok()) {
      return std::move(delivery).Answer({.status = NotRun(fault)});
    }
    const int limit = options_.topology.delivery_limit;
    if (limit > 0 && delivery.facts().earlier_deliveries >= limit) {
      return std::move(delivery).Answer(
          {.status = absl::AbortedError(absl::StrCat(
               "delivered ", limit + 1,
               " times without an answer; the queue's delivery limit is ",
               limit))},
          Settlement::kReject);
    }
    if (!IsOn()) return std::move(delivery).Requeue();
    events_->OnDelivery(std::move(delivery));
  }

  // Asks the broker once, and waits no longer than was asked for, nor for one
  // that is silent: what it may yet deliver is given back.
  void TendStop(TimePoint now) {
    if (CanTalk() && now < StopBy()) {
      if (!std::exchange(cancel_sent_, true)) {
        session_->CancelConsumer(*channel_);
        patient_until_ = now + kCancelPatience;
      }
      if (now < patient_until_) return;
    }
    if (session_ != nullptr && channel_.has_value() && !ready_) {
      session_->CloseChannel(*channel_);
    }
    EndStop();
  }
  void EndStop() { Advance(Phase::kStopping, Phase::kStopped); }

  void TendFlush(bool all_sent, TimePoint now) {
    const bool done = !CanTalk() || (all_sent && session_->out().empty());
    if (!done && now < StopBy() && IsMoving(now)) return;
    sent_ = kUnknown;
    if (CanTalk()) session_->CloseChannel(*channel_);
    if (!done) {
      const std::lock_guard lock(mutex_);
      flushed_ = false;
    }
    Advance(Phase::kFlushing, Phase::kOff);
  }

  // The broker takes what is sent to it.
  bool IsMoving(TimePoint now) {
    const std::uint64_t sent = session_->out().total_sent();
    if (std::exchange(sent_, sent) != sent) {
      patient_until_ = now + kFlushPatience;
    }
    return now < patient_until_;
  }

  void Advance(Phase from, Phase to) {
    const std::lock_guard lock(mutex_);
    if (phase_ != from) return;
    phase_ = to;
    changed_.notify_all();
  }

  TimePoint StopBy() {
    const std::lock_guard lock(mutex_);
    return stop_by_;
  }

  TimePoint NextTurn(Phase phase, TimePoint now) {
    switch (phase) {
      case Phase::kOn:
        // OnUp() comes before the turns of a new session.
        return channel_.has_value() || session_ == nullptr ? kNever
                                                           : reopen_at_;
      case Phase::kStopping:
        return std::min(StopBy(), patient_until_);
      case Phase::kFlushing:
        // Whether the last bytes have left shows after they were sent.
        return now + kLookAgain;
      default:
        return kNever;
    }
  }

  // Once until it serves again.
  void Interrupt(const absl::Status& status) {
    if (!std::exchange(interrupted_, true) && IsOn()) {
      events_->OnInterrupted(status);
    }
  }

  const RabbitMqOptions& options_;
  Counters& counters_;
  const std::function<void()> wake_;
  const ReplyAllowList allow_list_;

  std::mutex mutex_;
  std::condition_variable changed_;
  Phase phase_ = Phase::kOff;
  TimePoint stop_by_;
  bool flushed_ = true;
  absl::Status refused_;
  ServerEvents* started_ = nullptr;
  // Since Start.
  bool was_ready_ = false;
  int prefetch_ = 1;

  // Of the I/O thread.
  ServerEvents* events_ = nullptr;
  amqp::Session* session_ = nullptr;
  std::optional<amqp::ChannelId> channel_;
  bool ready_ = false;
  bool cancel_sent_ = false;
  TimePoint patient_until_;
  std::uint64_t sent_ = kUnknown;
  bool interrupted_ = false;
  // The channel is closed because the broker refused a reply on it.
  bool refuses_ = false;
  TimePoint reopen_at_;
  RandomNonces names_;
  Settlements settlements_;
};

}  // namespace rpc::rabbitmq

#endif  // RPC_TRANSPORT_RABBITMQ_SERVING_H_
