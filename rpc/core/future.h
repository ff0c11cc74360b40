#ifndef RPC_CORE_FUTURE_H_
#define RPC_CORE_FUTURE_H_

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "rpc/base/deadline.h"
#include "rpc/core/call_result.h"
#include "rpc/core/cancellation.h"
#include "rpc/core/pending_calls.h"
#include "rpc/message/envelope.h"

namespace rpc {
namespace core {

// The reply that a Future waits for. Shared by the future and whoever completes
// the call.
class FutureReply final : public PendingCall {
 public:
  void Complete(Reply&& reply) override {
    // Keeps this alive until it is done with the mutex.
    const std::shared_ptr<FutureReply> self = std::move(self_);
    // The future may outlive the endpoint, whose calls could be cancelled else.
    cancellation.reset();
    const std::lock_guard lock(mutex_);
    reply_ = std::move(reply);
    changed_.notify_all();
  }

  bool WaitUntil(Deadline deadline) {
    std::unique_lock lock(mutex_);
    const auto over = [this] { return reply_.has_value(); };
    if (!deadline.is_never()) {
      return changed_.wait_until(lock, deadline.at(), over);
    }
    changed_.wait(lock, over);
    return true;
  }

  // After WaitUntil() returned true. Once.
  Reply Take() {
    const std::lock_guard lock(mutex_);
    return *std::move(reply_);
  }

  // This while the call is pending.
  void Keep(std::shared_ptr<FutureReply> self) { self_ = std::move(self); }
  void Release() { self_.reset(); }

  TimePoint begin;
  std::shared_ptr<Cancellation> cancellation;

 private:
  std::shared_ptr<FutureReply> self_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Reply> reply_;
};

}  // namespace core

// The result of a call that is under way: see CallFuture(). Move-only; to be
// used by one thread at a time. It borrows the endpoint, which must outlive
// Get(); to be destroyed unused needs no endpoint, and ends no call.
template <typename M>
class [[nodiscard]] Future {
 public:
  Future(Future&&) noexcept = default;
  Future& operator=(Future&&) noexcept = default;

  // Whether Get() returns at once.
  bool ready() const { return WaitFor(absl::ZeroDuration()); }
  // Until the call is over, or `timeout`: false then.
  bool WaitFor(absl::Duration timeout) const {
    return result_.has_value() || reply_->WaitUntil(Deadline::After(timeout));
  }

  // Waits until the call is over and returns what it ended with. Once. The body
  // is decoded here, on the thread that asks.
  CallResult<M> Get() && {
    if (result_.has_value()) return *std::move(result_);
    reply_->WaitUntil(Deadline());
    const std::shared_ptr<core::FutureReply> reply = std::move(reply_);
    return finish_(core_, reply->Take(), reply->begin);
  }

  // By the library. One that is ready, or that waits for `reply`.
  explicit Future(CallResult<M> result) : result_(std::move(result)) {}
  template <typename Core>
  Future(const Core* core, std::shared_ptr<core::FutureReply> reply)
      : core_(core),
        finish_([](const void* inside, const Reply& taken, TimePoint begin) {
          return static_cast<const Core*>(inside)->template Finish<M>(taken,
                                                                      begin);
        }),
        reply_(std::move(reply)) {}

 private:
  using Finish = CallResult<M> (*)(const void*, const Reply&, TimePoint);

  const void* core_ = nullptr;
  Finish finish_ = nullptr;
  std::shared_ptr<core::FutureReply> reply_;
  std::optional<CallResult<M>> result_;
};

}  // namespace rpc

#endif  // RPC_CORE_FUTURE_H_
