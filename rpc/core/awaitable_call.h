#ifndef RPC_CORE_AWAITABLE_CALL_H_
#define RPC_CORE_AWAITABLE_CALL_H_

// clang before 16 cannot use the coroutines of libstdc++.
#if defined(__cpp_impl_coroutine) || \
    (defined(__clang_major__) && __clang_major__ >= 16)
#define RPC_HAS_COROUTINES 1
#endif

#ifdef RPC_HAS_COROUTINES

#include <coroutine>
#include <memory>
#include <type_traits>
#include <utility>

#include "rpc/base/deadline.h"
#include "rpc/core/call_options.h"
#include "rpc/core/call_result.h"
#include "rpc/core/callback_queue.h"
#include "rpc/core/cancellation.h"
#include "rpc/core/codec.h"
#include "rpc/core/pending_calls.h"
#include "rpc/message/envelope.h"

namespace rpc {

// Where a coroutine goes on: where callbacks run.
struct OnCallbackThread {};

// A call to be awaited, once: see CallAwaitable(). The call begins with the
// co_await. The coroutine must not be destroyed while it waits for it, and the
// endpoint must outlive its going on.
template <typename Core, typename M, typename Executor = OnCallbackThread>
class [[nodiscard]] AwaitableCall final : private core::PendingCall,
                                          private core::Continuation {
 public:
  AwaitableCall(Core* core, core::ArgumentBody<M> arguments,
                CallOptions options, Executor executor = {})
      : core_(core),
        arguments_(std::move(arguments)),
        options_(std::move(options)),
        executor_(std::move(executor)) {}

  // The same call, after which `executor(std::coroutine_handle<>)` is called on
  // the thread that learned the outcome, so that the coroutine goes on where
  // the executor resumes it. It must resume it elsewhere, and return quickly.
  template <typename Other>
  AwaitableCall<Core, M, Other> ResumeOn(Other executor) && {
    return {core_, std::move(arguments_), std::move(options_),
            std::move(executor)};
  }

  bool await_ready() const { return false; }

  // False: the call is over already.
  bool await_suspend(std::coroutine_handle<> coroutine) {
    coroutine_ = coroutine;
    begin_ = core_->Now();
    cancellation_ = core::Cancellation::For(options_);
    absl::Status started = core_->template Start<M>(
        arguments_, options_, begin_, this, cancellation_);
    if (started.ok()) return true;
    reply_.status = std::move(started);
    return false;
  }

  CallResult<M> await_resume() {
    return core_->template Finish<M>(reply_, begin_);
  }

 private:
  void Complete(Reply&& reply) override {
    if constexpr (std::is_same_v<Executor, OnCallbackThread>) {
      core_->callbacks().Add(this, std::move(reply));
    } else {
      reply_ = std::move(reply);
      // This may be gone when it returns, and even before.
      Executor executor = std::move(executor_);
      executor(coroutine_);
    }
  }
  void Run(Reply&& reply) override {
    reply_ = std::move(reply);
    coroutine_.resume();
  }

  Core* core_;
  core::ArgumentBody<M> arguments_;
  CallOptions options_;
  [[no_unique_address]] Executor executor_;
  std::coroutine_handle<> coroutine_;
  TimePoint begin_;
  std::shared_ptr<core::Cancellation> cancellation_;
  Reply reply_;
};

// A call that was over when it was made: nobody waits.
template <typename M>
class [[nodiscard]] ReadyCall {
 public:
  explicit ReadyCall(CallResult<M> result) : result_(std::move(result)) {}

  template <typename Executor>
  ReadyCall ResumeOn(Executor&&) && {
    return std::move(*this);
  }
  bool await_ready() const { return true; }
  void await_suspend(std::coroutine_handle<>) const {}
  CallResult<M> await_resume() { return std::move(result_); }

 private:
  CallResult<M> result_;
};

}  // namespace rpc

#endif  // RPC_HAS_COROUTINES

#endif  // RPC_CORE_AWAITABLE_CALL_H_
