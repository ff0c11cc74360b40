#ifndef RPC_TRANSPORT_RABBITMQ_CALLS_H_
#define RPC_TRANSPORT_RABBITMQ_CALLS_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "rpc/amqp/ending.h"
#include "rpc/amqp/message.h"
#include "rpc/amqp/session.h"
#include "rpc/amqp/session_listener.h"
#include "rpc/amqp/topology.h"
#include "rpc/base/bytes.h"
#include "rpc/base/deadline.h"
#include "rpc/base/random_nonces.h"
#include "rpc/base/status.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/rabbitmq_channel_proof.h"
#include "rpc/transport/rabbitmq_counters.h"
#include "rpc/transport/rabbitmq_in_sequence.h"
#include "rpc/transport/rabbitmq_messages.h"
#include "rpc/transport/rabbitmq_options.h"
#include "rpc/transport/transport_policy.h"

namespace rpc::rabbitmq {

// The calling half of a connection: one channel that publishes requests and
// consumes the replies from an exclusive queue of its own. Post() may come from
// any thread, all else happens on the connection's I/O thread.
class Calls final : public amqp::ChannelListener {
 public:
  Calls(const RabbitMqOptions& options, Counters* counters)
      : options_(options),
        counters_(*counters),
        delivery_mode_(
            static_cast<std::uint8_t>(options.topology.delivery_mode)) {}

  // FAILED_PRECONDITION the second time.
  absl::Status Start(CallEvents* events) {
    const std::lock_guard lock(mutex_);
    if (started_ != nullptr) {
      return absl::FailedPreconditionError(
          "StartCalls was called twice; it comes once");
    }
    started_ = events;
    return absl::OkStatus();
  }

  // Whether the I/O thread has to be woken for it, or why it is not taken.
  absl::StatusOr<bool> Post(Request&& request) {
    if (request.body.size() > options_.max_body_bytes) {
      return NotRun(absl::ResourceExhaustedError(absl::StrCat(
          "a body of ", request.body.size(), " bytes; max_body_bytes allows ",
          options_.max_body_bytes)));
    }
    const std::lock_guard lock(mutex_);
    if (!refused_.ok()) return NotRun(refused_);
    if (started_ == nullptr) {
      return NotRun(
          absl::FailedPreconditionError("Submit was called before StartCalls"));
    }
    if (waiting_bytes_ + request.body.size() > options_.max_waiting_bytes) {
      return NotRun(WithRetryAfter(
          absl::ResourceExhaustedError(absl::StrCat(
              waiting_bytes_,
              " bytes of requests wait to be sent; max_waiting_bytes allows ",
              options_.max_waiting_bytes)),
          kRetryAfter));
    }
    waiting_bytes_ += Weight(request);
    // While nothing can be sent, what is posted stays, and the I/O thread may
    // sleep beyond this deadline.
    const bool wake = posted_.empty() || request.deadline.at() < wakes_at_;
    posted_.push_back(std::move(request));
    return wake;
  }

  // The turn of the I/O thread's loop, first what came: all at once.
  void OnRead() { HandOverReplies(); }
  // Then sends what was posted, and ends what is due.
  TimePoint OnTurn(amqp::Session* session, TimePoint now) {
    session_ = session;
    const bool wanted = BeginTurn();
    if (events_ == nullptr) return kNever;
    const auto opens = [&] {
      return session != nullptr && !channel_.has_value() && wanted;
    };
    if (opens() && now >= reopen_at_) Open(*session, now);
    if (session != nullptr && ready_ && IsTrusted(*session, now)) {
      SendPosted(*session, now);
    }
    const TimePoint expiry = events_->OnTime(now);
    DropExpired(now);
    const std::lock_guard lock(mutex_);
    wakes_at_ = expiry;
    return std::min(
        {expiry, proof_.doubted_at(), opens() ? reopen_at_ : kNever});
  }

  // A new epoch of the connection: there is no reason to wait.
  void OnUp() { reopen_at_ = TimePoint(); }

  // Nothing will be sent any more.
  void Refuse(const absl::Status& status) {
    {
      const std::lock_guard lock(mutex_);
      events_ = started_;
      refused_ = status;
      posted_.clear();
      waiting_bytes_ = 0;
    }
    sending_.clear();
    next_ = 0;
    HandOverReplies();
    if (events_ != nullptr) events_->OnRefused(status);
  }

  // From amqp::ChannelListener.
  void OnReady(const amqp::ChannelNames& names) override {
    ready_ = true;
    exchange_is_missing_ = false;
    reply_to_ = names.queue;
    unconfirmed_.Begin();
    proof_.Begin(confirms());
  }
  void OnDelivery(amqp::Delivery&& delivery) override {
    proof_.Heard(!unconfirmed_.empty(), session_->now());
    replies_.push_back(ToReply(std::move(delivery)));
  }
  void OnReturn(amqp::Return&& returned) override {
    ++counters_.returned;
    proof_.Returned();
    replies_.push_back(
        {.correlation_id =
             std::move(returned.message.properties.correlation_id),
         .status = NotRun(absl::UnavailableError(absl::StrCat(
             "no queue takes the request: ", returned.code, " ", returned.text,
             " for exchange \"", ToAbsl(options_.topology.exchange),
             "\" and routing key \"", ToAbsl(options_.topology.routing_key),
             "\"; is a server running?")))});
  }
  void OnConfirm(std::uint64_t sequence, amqp::Confirm confirm) override {
    ShortText id = unconfirmed_.Take(sequence);
    if (confirm == amqp::Confirm::kAck) {
      return proof_.Acked(!unconfirmed_.empty(), session_->now());
    }
    proof_.Refused();
    ++counters_.nacked;
    replies_.push_back({.correlation_id = std::move(id), .status = Refused()});
  }
  // The reply queue is gone, and the replies in it.
  void OnConsumerCancelled() override {
    HandOverReplies();
    events_->OnLost(absl::UnavailableError("the reply queue was deleted"));
    if (session_ != nullptr && channel_.has_value()) {
      session_->CloseChannel(*channel_);
    }
  }
  void OnChannelClosed(const absl::Status& status, amqp::Retry retry) override {
    channel_.reset();
    ready_ = false;
    proof_.Begin(false);
    // CANCELLED: closed by us, to begin again.
    const bool is_ours = absl::IsCancelled(status);
    reopen_at_ = session_ == nullptr || is_ours ? TimePoint()
                                                : session_->now() + kReopen;
    HandOverReplies();
    const absl::Status unavailable = absl::UnavailableError(status.message());
    events_->OnLost(absl::IsPermissionDenied(status) ? status : unavailable);
    if (absl::IsNotFound(status)) {
      // It comes with the first server; nobody can take a request before.
      exchange_is_missing_ = true;
      FailWaiting(unavailable);
    } else if (retry == amqp::Retry::kNever && !is_ours) {
      Refuse(status);
    }
  }

 private:
  static constexpr absl::Duration kRetryAfter = absl::Milliseconds(10);
  static constexpr auto kReopen = std::chrono::milliseconds(100);
  static constexpr auto kSweep = std::chrono::seconds(1);

  static std::size_t Weight(const Request& request) {
    return sizeof(Request) + request.body.size();
  }

  // What came since the last turn, at once.
  void HandOverReplies() {
    if (replies_.empty()) return;
    events_->OnReplies(replies_);
    replies_.clear();
  }

  bool confirms() const {
    return options_.topology.confirms == amqp::Confirms::kOn ||
           options_.guarantee == DeliveryGuarantee::kAtLeastOnceConfirmed;
  }

  // Whether the channel reaches the queue. Where it does not, another one may.
  bool IsTrusted(amqp::Session& session, TimePoint now) {
    if (session.blocked() && now >= proof_.doubted_at()) proof_.Wait(now);
    const bool is_refused = proof_.is_refused() && unconfirmed_.empty();
    if (!is_refused && now < proof_.doubted_at()) return true;
    proof_.Leave();
    session.CloseChannel(*channel_);
    reopen_at_ = now + kReopen;
    return false;
  }

  // A quorum queue may have taken what its broker could not confirm.
  absl::Status Refused() const {
    const absl::Status status = absl::ResourceExhaustedError(
        "the broker does not take the request: the queue is full, or has no "
        "leader");
    return options_.topology.delivery_limit > 0 ? status : NotRun(status);
  }

  // Whether a channel is wanted: from the start on; where the exchange was
  // missing, for a request. What is posted until the turn knows when the next
  // one is due, causes another.
  bool BeginTurn() {
    const std::lock_guard lock(mutex_);
    events_ = started_;
    wakes_at_ = kNever;
    return !exchange_is_missing_ || !posted_.empty();
  }

  void Open(amqp::Session& session, TimePoint now) {
    amqp::ChannelPlan plan;
    if (!options_.topology.exchange.empty()) {
      // Publishing to a missing exchange would close the channel and leave the
      // fate of all that is under way unknown.
      amqp::Exchange exchange;
      exchange.name = options_.topology.exchange;
      exchange.declare = amqp::Declare::kPassive;
      plan.topology.exchanges.push_back(std::move(exchange));
    }
    amqp::Queue replies;
    if (!options_.reply_queue_prefix.empty()) {
      replies.name = options_.reply_queue_prefix + names_.NextName();
    }
    replies.durable = false;
    replies.exclusive = true;
    replies.auto_delete = true;
    plan.topology.queues.push_back(std::move(replies));
    amqp::Consumer consumer;
    consumer.acks = amqp::AckPolicy::kNone;
    if (confirms()) plan.confirms = amqp::Confirms::kOn;
    plan.consumer = std::move(consumer);
    const auto channel = session.OpenChannel(std::move(plan), this, now);
    if (channel.ok()) {
      channel_ = *channel;
    } else {
      reopen_at_ = now + kReopen;
    }
  }

  void SendPosted(amqp::Session& session, TimePoint now) {
    while (session.CanPublish(*channel_) && proof_.Takes(unconfirmed_.size())) {
      if (next_ == sending_.size() && !TakePosted()) return;
      Send(session, now, sending_[next_++]);
    }
  }

  // Exchanges what was sent for what was posted meanwhile; the memory of both
  // is kept.
  bool TakePosted() {
    sending_.clear();
    next_ = 0;
    const std::lock_guard lock(mutex_);
    sending_.swap(posted_);
    waiting_bytes_ = 0;
    for (const Request& request : sending_) waiting_bytes_ += Weight(request);
    return !sending_.empty();
  }

  void Send(amqp::Session& session, TimePoint now, const Request& request) {
    // What is about to expire is not sent: it ends without having run.
    if (request.deadline.Expired(now)) return;
    if (!events_->Claim(request.correlation_id)) return;
    FromRequest(request, now, reply_to_, delivery_mode_, properties_);
    const auto sent = session.Publish(
        *channel_, options_.topology.exchange, options_.topology.routing_key,
        properties_, request.body.view(), amqp::Mandatory::kYes);
    if (sent.ok()) {
      // 0 without confirms.
      if (*sent != 0) unconfirmed_.Add(request.correlation_id);
      proof_.Published(now);
      return;
    }
    events_->OnReply({.correlation_id = request.correlation_id,
                      .status = NotRun(sent.status())});
  }

  // What expired while nothing could be sent only takes up room.
  void DropExpired(TimePoint now) {
    if (now < sweep_at_) return;
    sweep_at_ = now + kSweep;
    const auto expired = [&](const Request& r) {
      return r.deadline.Expired(now);
    };
    sending_.erase(sending_.begin(),
                   sending_.begin() + static_cast<std::ptrdiff_t>(next_));
    next_ = 0;
    std::erase_if(sending_, expired);
    const std::lock_guard lock(mutex_);
    std::erase_if(posted_, expired);
    waiting_bytes_ = 0;
    for (const auto* waiting : {&sending_, &posted_}) {
      for (const Request& request : *waiting) waiting_bytes_ += Weight(request);
    }
  }

  void FailWaiting(const absl::Status& status) {
    std::vector<Request> waiting(
        std::make_move_iterator(sending_.begin() +
                                static_cast<std::ptrdiff_t>(next_)),
        std::make_move_iterator(sending_.end()));
    sending_.clear();
    next_ = 0;
    {
      const std::lock_guard lock(mutex_);
      for (Request& request : posted_) waiting.push_back(std::move(request));
      posted_.clear();
      waiting_bytes_ = 0;
    }
    for (Request& request : waiting) {
      events_->OnReply({.correlation_id = std::move(request.correlation_id),
                        .status = NotRun(status)});
    }
  }

  const RabbitMqOptions& options_;
  Counters& counters_;
  const std::uint8_t delivery_mode_;

  std::mutex mutex_;
  CallEvents* started_ = nullptr;
  absl::Status refused_;
  std::vector<Request> posted_;
  std::size_t waiting_bytes_ = 0;
  // When the I/O thread looks for expired calls next.
  TimePoint wakes_at_ = kNever;

  // Of the I/O thread.
  CallEvents* events_ = nullptr;
  amqp::Session* session_ = nullptr;
  std::optional<amqp::ChannelId> channel_;
  bool ready_ = false;
  bool exchange_is_missing_ = false;
  std::string reply_to_;
  TimePoint reopen_at_;
  TimePoint sweep_at_;
  std::vector<Request> sending_;
  std::size_t next_ = 0;
  std::vector<Reply> replies_;
  // The ids of the requests that wait for the broker's confirm.
  InSequence<ShortText> unconfirmed_;
  ChannelProof proof_;
  amqp::Properties properties_;
  RandomNonces names_;
};

}  // namespace rpc::rabbitmq

#endif  // RPC_TRANSPORT_RABBITMQ_CALLS_H_
