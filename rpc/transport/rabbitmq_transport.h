#ifndef RPC_TRANSPORT_RABBITMQ_TRANSPORT_H_
#define RPC_TRANSPORT_RABBITMQ_TRANSPORT_H_

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "rpc/amqp/connection.h"
#include "rpc/amqp/connection_options.h"
#include "rpc/amqp/ending.h"
#include "rpc/amqp/session.h"
#include "rpc/amqp/url.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/rabbitmq_calls.h"
#include "rpc/transport/rabbitmq_connection_event.h"
#include "rpc/transport/rabbitmq_counters.h"
#include "rpc/transport/rabbitmq_options.h"
#include "rpc/transport/rabbitmq_serving.h"
#include "rpc/transport/rabbitmq_topology.h"
#include "rpc/transport/transport_policy.h"

namespace rpc {

// Carries calls over RabbitMQ: requests through a queue that servers share,
// replies through an anonymous exclusive queue of the client's. One connection
// with one I/O thread of its own, which dials again for ever when it is lost;
// requests wait meanwhile, within their deadlines. What cannot heal, refused
// credentials or a queue with other arguments, ends every call and the serving.
class RabbitMqTransport final : private amqp::Connection::Driver {
 public:
  using Options = RabbitMqOptions;
  static constexpr TransportTraits kTraits = {
      .redelivers = true, .expires = true, .returns = true, .concurrent = true};

  explicit RabbitMqTransport(Options options)
      : options_(std::move(options)),
        calls_(options_, &counters_),
        serving_(options_, &counters_, [this] { connection_->Wake(); }) {}
  RabbitMqTransport(const RabbitMqTransport&) = delete;
  RabbitMqTransport& operator=(const RabbitMqTransport&) = delete;
  // At most 1 s, whatever the broker does.
  ~RabbitMqTransport() override {
    if (connection_ != nullptr) {
      connection_->Stop(Deadline::After(absl::Milliseconds(500)));
    }
  }

  // UNAUTHENTICATED, PERMISSION_DENIED or NOT_FOUND: the broker's refusal.
  // UNAVAILABLE: nobody there by the deadline. INVALID_ARGUMENT: the options.
  absl::Status Open(Deadline deadline) {
    const auto options = ToConnectionOptions(options_);
    if (!options.ok()) return options.status();
    where_ = amqp::Printable(options->addresses.front());
    auto connection = amqp::Connection::Start(*options, this);
    if (!connection.ok()) return connection.status();
    std::unique_lock lock(mutex_);
    connection_ = *std::move(connection);
    const auto decided = [&] { return up_ || !refused_.ok(); };
    if (deadline.is_never()) {
      changed_.wait(lock, decided);
    } else {
      changed_.wait_until(lock, deadline.at(), decided);
    }
    if (up_) return absl::OkStatus();
    if (!refused_.ok()) return NotRun(refused_);
    return NotRun(absl::UnavailableError(absl::StrCat(
        "cannot reach ", where_, " within open_timeout: ",
        down_.ok() ? absl::string_view("no answer yet") : down_.message())));
  }

  std::string Describe() const {
    std::string text =
        absl::StrCat("queue \"", options_.topology.queue, "\" at ", where_);
    const std::lock_guard lock(mutex_);
    if (!up_ && !down_.ok()) {
      absl::StrAppend(&text, " (connection down: ", down_.message(), ")");
    }
    return text;
  }

  RabbitMqCounters counters() const { return counters_.Read(); }

  absl::Status StartCalls(CallEvents* events) {
    const absl::Status started = calls_.Start(events);
    if (started.ok()) connection_->Wake();
    return started;
  }

  absl::Status Submit(Request&& request) {
    const absl::StatusOr<bool> wake = calls_.Post(std::move(request));
    if (!wake.ok()) return wake.status();
    if (*wake) connection_->Wake();
    return absl::OkStatus();
  }

  absl::Status SubmitAndRun(Request&& request, const std::atomic<bool>& done) {
    // Before it is posted, which then need not wake anybody.
    amqp::Connection::Loan loan = connection_->BorrowFree();
    const absl::StatusOr<bool> wake = calls_.Post(std::move(request));
    if (!wake.ok()) return wake.status();
    if (!loan) loan = connection_->Borrow();
    if (loan) {
      loan.RunUntil(done);
    } else if (*wake) {
      connection_->Wake();
    }
    return absl::OkStatus();
  }
  void Wake() { connection_->Wake(); }
  absl::Status Ready() const {
    if (up_) return absl::OkStatus();
    const std::lock_guard lock(mutex_);
    return absl::UnavailableError(
        absl::StrCat("the connection is down: ", down_.message()));
  }

  absl::Status StartServing(ServerEvents* events, ServingOptions options) {
    has_served_ = true;
    return serving_.Start(events, options);
  }
  absl::Status StopServing(Deadline deadline) {
    return serving_.Stop(deadline);
  }
  absl::Status Flush(Deadline deadline) { return serving_.Flush(deadline); }

 private:
  // From amqp::Connection::Driver.
  void OnUp(amqp::Session&, TimePoint) override {
    calls_.OnUp();
    serving_.OnUp();
    ++counters_.connected;
    Tell(ConnectionEvent::Kind::kConnected, absl::OkStatus());
    const std::lock_guard lock(mutex_);
    up_ = true;
    changed_.notify_all();
  }
  void OnDown(const absl::Status& status, amqp::Retry retry) override {
    const bool final = retry == amqp::Retry::kNever;
    bool was_up = false;
    {
      const std::lock_guard lock(mutex_);
      was_up = up_.exchange(false);
      down_ = status;
      if (final) refused_ = status;
      changed_.notify_all();
    }
    // By its owner: nobody needs to be told.
    if (!absl::IsCancelled(status)) {
      ++(was_up ? counters_.lost : counters_.failed);
      Tell(final    ? ConnectionEvent::Kind::kGivenUp
           : was_up ? ConnectionEvent::Kind::kLost
                    : ConnectionEvent::Kind::kFailed,
           status);
    }
    if (!final) return;
    calls_.Refuse(status);
    serving_.Refuse(status);
  }
  void OnBlocked(std::string_view reason) override {
    ++counters_.blocked;
    Tell(ConnectionEvent::Kind::kBlocked,
         absl::UnavailableError(
             absl::StrCat("the broker takes no requests: ", ToAbsl(reason))));
  }
  void OnUnblocked() override {
    Tell(ConnectionEvent::Kind::kUnblocked, absl::OkStatus());
  }
  void OnRead() override { calls_.OnRead(); }
  TimePoint OnTurn(amqp::Session* session, TimePoint now) override {
    return std::min(calls_.OnTurn(session, now), serving_.OnTurn(session, now));
  }
  void Tell(ConnectionEvent::Kind kind, const absl::Status& status) {
    if (!options_.on_connection) return;
    options_.on_connection({kind, status, counters_.connected});
  }

  // Handlers may run within the loop: they are not a caller's business.
  bool Lends() const override { return !has_served_; }

  const Options options_;
  std::string where_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Written under the mutex.
  std::atomic<bool> up_ = false;
  absl::Status down_;
  absl::Status refused_;

  std::atomic<bool> has_served_{false};
  rabbitmq::Counters counters_;

  rabbitmq::Calls calls_;
  rabbitmq::Serving serving_;
  // Last: its I/O thread uses all of the above.
  std::unique_ptr<amqp::Connection> connection_;
};

}  // namespace rpc

#endif  // RPC_TRANSPORT_RABBITMQ_TRANSPORT_H_
