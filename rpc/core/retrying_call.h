#ifndef RPC_CORE_RETRYING_CALL_H_
#define RPC_CORE_RETRYING_CALL_H_

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/core/cancellation.h"
#include "rpc/core/pending_calls.h"
#include "rpc/core/retries.h"
#include "rpc/message/envelope.h"
#include "rpc/message/method.h"

namespace rpc::core {

// How the attempts at one call are made, by an endpoint that outlives it.
class Attempts {
 public:
  // As Carrier::Start: not OK if `call` is not pending.
  virtual absl::Status Send(Request&& request, PendingCall* call,
                            const std::shared_ptr<Cancellation>& cancellation,
                            const std::atomic<bool>* done) = 0;
  // Has `call` completed with DEADLINE_EXCEEDED at `until`. UNIMPLEMENTED if it
  // cannot: then there is no pause.
  virtual absl::Status Pause(
      Deadline until, PendingCall* call,
      const std::shared_ptr<Cancellation>& cancellation) = 0;
  virtual TimePoint Now() const = 0;

 protected:
  ~Attempts() = default;
};

// A call that is made again when it failed. While it pauses it is pending like
// any other call, so that its caller, or the endpoint's end, can end it. Owns
// itself from the moment that it is started.
class RetryingCall final : public PendingCall {
 public:
  struct Call {
    // The first attempt.
    Request request;
    Idempotent idempotent;
    Cancellation::Tokens cancellation;
    // A first attempt for which there is no room is not made again.
    bool waits_for_room;
    // Completed once, with what the last attempt came to.
    PendingCall* pending;
  };

  // Not OK: the call is over with that, and will not be completed.
  static absl::Status Start(Attempts* attempts, Retries* retries, Call&& call,
                            const std::atomic<bool>* done) {
    std::unique_ptr<RetryingCall> owned(
        new RetryingCall(attempts, retries, std::move(call)));
    RetryingCall* const self = owned.release();
    absl::Status status = self->Send(done);
    if (status.ok()) return status;
    owned.reset(self);
    const bool waits = owned->call_.waits_for_room &&
                       absl::IsResourceExhausted(status) &&
                       RetryAfter(status).has_value();
    if (waits) return status;
    Reply reply = {.status = std::move(status)};
    if (TryAgain(owned, reply)) return absl::OkStatus();
    return reply.status;
  }

  void Complete(Reply&& reply) override {
    std::unique_ptr<RetryingCall> self(this);
    if (pausing_ && absl::IsDeadlineExceeded(reply.status)) {
      self.release();
      absl::Status status = GoOn();
      if (status.ok()) return;
      self.reset(this);
      reply = {.status = std::move(status)};
    }
    if (TryAgain(self, reply)) return;
    reply.attempt = attempt_;
    // First: whoever is told may end the endpoint.
    PendingCall* const pending = call_.pending;
    self.reset();
    pending->Complete(std::move(reply));
  }

 private:
  RetryingCall(Attempts* attempts, Retries* retries, Call&& call)
      : attempts_(*attempts), retries_(*retries), call_(std::move(call)) {}

  // After these returned OK this may be gone, completed by another thread.
  absl::Status Send(const std::atomic<bool>* done) {
    pausing_ = false;
    Request request = call_.request;
    request.attempt = attempt_;
    request.deadline = std::min(
        request.deadline,
        Deadline::After(retries_.policy().attempt_timeout, attempts_.Now()));
    return attempts_.Send(std::move(request), this, Cancellable(), done);
  }
  absl::Status GoOn() {
    ++attempt_;
    return Send(nullptr);
  }
  absl::Status Pause(Deadline until) {
    pausing_ = true;
    const absl::Status paused = attempts_.Pause(until, this, Cancellable());
    return absl::IsUnimplemented(paused) ? GoOn() : paused;
  }

  // Of the attempt or pause that begins; the last one is disarmed.
  std::shared_ptr<Cancellation> Cancellable() {
    return cancellation_ = Cancellation::For(call_.cancellation);
  }

  // True if an attempt follows the one that came to `reply`; then `self` was
  // given away. Otherwise `reply` is what the call comes to.
  static bool TryAgain(std::unique_ptr<RetryingCall>& self, Reply& reply) {
    while (!reply.status.ok()) {
      self->may_have_run_ |= MayHaveRun(reply.status);
      const std::optional<Deadline> pause = self->PauseAfter(reply.status);
      if (!pause.has_value()) break;
      RetryingCall* const given = self.release();
      absl::Status status = given->Pause(*pause);
      if (status.ok()) return true;
      self.reset(given);
      reply = {.status = std::move(status)};
    }
    if (self->may_have_run_) reply.status = WithoutNotRun(reply.status);
    return false;
  }

  // Until when to wait before the next attempt; nothing if there is none.
  std::optional<Deadline> PauseAfter(const absl::Status& status) {
    const bool is_harmless =
        !may_have_run_ || call_.idempotent == Idempotent::kYes;
    if (!is_harmless) return std::nullopt;
    const auto pause = retries_.PauseBefore(attempt_ + 1, status);
    if (!pause.has_value()) return std::nullopt;
    const Deadline until = Deadline::After(*pause, attempts_.Now());
    if (until >= call_.request.deadline) return std::nullopt;
    if (!retries_.TakeToken()) return std::nullopt;
    return until;
  }

  Attempts& attempts_;
  Retries& retries_;
  const Call call_;
  int attempt_ = 1;
  bool pausing_ = false;
  // One of the attempts so far.
  bool may_have_run_ = false;
  std::shared_ptr<Cancellation> cancellation_;
};

}  // namespace rpc::core

#endif  // RPC_CORE_RETRYING_CALL_H_
