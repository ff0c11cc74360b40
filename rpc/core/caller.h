#ifndef RPC_CORE_CALLER_H_
#define RPC_CORE_CALLER_H_

#include <algorithm>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/core/awaitable_call.h"
#include "rpc/core/call_options.h"
#include "rpc/core/call_result.h"
#include "rpc/core/callback_queue.h"
#include "rpc/core/cancellation.h"
#include "rpc/core/carrier.h"
#include "rpc/core/codec.h"
#include "rpc/core/future.h"
#include "rpc/core/pending_calls.h"
#include "rpc/core/retries.h"
#include "rpc/core/retry_policy.h"
#include "rpc/core/retrying_call.h"
#include "rpc/core/waiting_call.h"
#include "rpc/message/envelope.h"
#include "rpc/message/wire.h"

namespace rpc::core {

// An endpoint's calls, in each of their forms: all begin with Start() and end
// with Finish(), and differ in who is told in between. Thread-safe.
template <typename Transport, typename Serializer>
class Caller final : private Attempts {
 public:
  struct Options {
    absl::Duration default_timeout;
    std::size_t max_in_flight;
    int callback_threads;
    int connections;
    // Requests name their method.
    bool names_method;
    RetryPolicy retry;
  };

  // Borrows the serializer.
  Caller(Options options, typename Transport::Options transport,
         const Serializer* serializer)
      : options_(std::move(options)),
        serializer_(*serializer),
        retries_(options_.retry),
        callbacks_(options.callback_threads) {
    using TransportOptions = typename Transport::Options;
    if constexpr (std::copy_constructible<TransportOptions>) {
      for (int i = 1; i < options_.connections; ++i) {
        AddCarrier(TransportOptions(transport));
      }
    }
    AddCarrier(std::move(transport));
  }

  // Ends the calls that are pending, and waits for their callbacks.
  ~Caller() {
    for (auto& carrier : carriers_) {
      carrier->pending().Close(
          absl::CancelledError("the endpoint was destroyed"));
    }
    // Callbacks may call this endpoint: the transports outlive them.
    callbacks_.Join();
    carriers_.clear();
  }

  template <typename M>
  CallResult<M> Call(const ArgumentBody<M>& arguments,
                     const CallOptions& options) {
    const TimePoint begin = Now();
    if (callbacks_.runs_here()) return Explain<M>(MayNotWait(), begin);
    Waiting waiting(1);
    WaitedCall call(&waiting);
    const auto cancellation = Cancellation::For(options);
    const absl::Status started =
        Start<M>(arguments, options, begin, &call, cancellation,
                 // A thread that runs the transport would run callbacks, too.
                 options_.callback_threads > 0 ? &waiting.done() : nullptr);
    if (!started.ok()) return Explain<M>(started, begin);
    waiting.Wait();
    return Finish<M>(call.Take(), begin);
  }

  template <typename M>
  void CallAsync(const ArgumentBody<M>& arguments, const CallOptions& options,
                 rpc::Callback<M> callback) {
    auto call =
        std::make_unique<AsyncCall<M>>(this, Now(), std::move(callback));
    call->cancellation = Cancellation::For(options);
    const absl::Status started = Start<M>(arguments, options, call->begin,
                                          call.get(), call->cancellation);
    // Once started, the call is in the hands of whoever completes it.
    AsyncCall<M>* const owned = call.release();
    if (started.ok()) return;
    owned->Complete({.status = started});
    callbacks_.Flush();
  }

  template <typename M>
  Future<M> CallFuture(const ArgumentBody<M>& arguments,
                       const CallOptions& options) {
    auto reply = std::make_shared<FutureReply>();
    reply->begin = Now();
    reply->Keep(reply);
    reply->cancellation = Cancellation::For(options);
    const absl::Status started = Start<M>(arguments, options, reply->begin,
                                          reply.get(), reply->cancellation);
    if (!started.ok()) reply->Complete({.status = started});
    return Future<M>(this, std::move(reply));
  }

#ifdef RPC_HAS_COROUTINES
  template <typename M>
  AwaitableCall<Caller, M> CallAwaitable(ArgumentBody<M> arguments,
                                         CallOptions options) {
    return {this, std::move(arguments), std::move(options)};
  }
#endif

  template <typename M>
  std::vector<CallResult<M>> CallBatch(
      absl::Span<const ArgumentBody<M>> arguments, const CallOptions& options) {
    const TimePoint begin = Now();
    const std::size_t count = arguments.size();
    std::vector<CallResult<M>> results;
    results.reserve(count);
    if (callbacks_.runs_here()) {
      while (results.size() < count) {
        results.push_back(Explain<M>(MayNotWait(), begin));
      }
      return results;
    }
    Waiting waiting(count);
    std::vector<WaitedCall> calls(count, WaitedCall(&waiting));
    std::vector<std::shared_ptr<Cancellation>> cancellations(count);
    for (std::size_t i = 0; i < count; ++i) {
      cancellations[i] = Cancellation::For(options);
      const absl::Status started =
          Start<M>(arguments[i], options, begin, &calls[i], cancellations[i]);
      if (!started.ok()) calls[i].Complete({.status = started});
    }
    waiting.Wait();
    for (WaitedCall& call : calls) {
      results.push_back(Finish<M>(call.Take(), begin));
    }
    return results;
  }

  // Not OK: `call` is not pending and will not be completed. `cancellation` is
  // kept here, since the call, which has it too, may be over before this
  // returns. `done`, where there is one: this thread will wait for it, see
  // Carrier.
  template <typename M>
  absl::Status Start(const ArgumentBody<M>& arguments,
                     const CallOptions& options, TimePoint now,
                     PendingCall* call,
                     std::shared_ptr<Cancellation> cancellation,
                     const std::atomic<bool>* done = nullptr) {
    const Deadline deadline =
        DeadlineOf(options, options_.default_timeout, now);
    for (std::size_t tried = 1;; ++tried) {
      absl::Status status = StartNow<M>(arguments, options, deadline, now, call,
                                        cancellation, done);
      const bool is_full =
          absl::IsResourceExhausted(status) && RetryAfter(status).has_value();
      if (!is_full) return status;
      if (tried % carriers_.size() != 0) continue;
      if (options.when_full == WhenFull::kFail || callbacks_.runs_here()) {
        return status;
      }
      now = Now();
      if (deadline.Expired(now)) {
        return NotRun(absl::DeadlineExceededError(absl::StrCat(
            "there was no room until the deadline: ", status.message())));
      }
      if (options.cancellation.stop_requested()) {
        return NotRun(absl::CancelledError("the caller cancelled the call"));
      }
      carriers_.front()->pending().WaitForRoom(deadline);
    }
  }

  template <typename M>
  CallResult<M> Finish(const Reply& reply, TimePoint begin) const {
    if (!reply.status.ok()) {
      return Explain<M>(reply.status, begin, reply.attempt);
    }
    CallResult<M> result = DecodeResult<M>(serializer_, reply.body.view());
    if (result.ok()) return result;
    return Explain<M>(AsStatus(result), begin, reply.attempt);
  }

  // What deadlines are measured by.
  TimePoint Now() const override { return carriers_.front()->Now(); }

  CallbackQueue& callbacks() { return callbacks_; }
  const std::vector<std::unique_ptr<Carrier<Transport>>>& carriers() const {
    return carriers_;
  }

  CallCounters counters() const {
    CallCounters sum = {.retried = retries_.taken()};
    for (const auto& carrier : carriers_) {
      const CallCounters one = carrier->pending().counters();
      sum.started += one.started;
      sum.expired += one.expired;
      sum.refused += one.refused;
      sum.unknown_replies += one.unknown_replies;
    }
    return sum;
  }

  std::string Where() const {
    return carriers_.front()->transport().Describe();
  }

 private:
  // Owns itself from the moment that it is pending.
  template <typename M>
  struct AsyncCall final : PendingCall, Continuation {
    AsyncCall(Caller* owner, TimePoint begun, rpc::Callback<M> on_result)
        : caller(owner), begin(begun), callback(std::move(on_result)) {}

    void Complete(Reply&& reply) override {
      caller->callbacks_.Add(this, std::move(reply));
    }
    void Run(Reply&& reply) override {
      const std::unique_ptr<AsyncCall> self(this);
      std::move(callback)(caller->template Finish<M>(reply, begin));
    }

    Caller* caller;
    TimePoint begin;
    rpc::Callback<M> callback;
    std::shared_ptr<Cancellation> cancellation;
  };

  template <typename M>
  absl::Status StartNow(const ArgumentBody<M>& arguments,
                        const CallOptions& options, Deadline deadline,
                        TimePoint now, PendingCall* call,
                        const std::shared_ptr<Cancellation>& cancellation,
                        const std::atomic<bool>* done) {
    Request request;
    request.deadline = deadline;
    request.metadata = MetadataOf(options);
    if (const absl::Status ready = Prepare<M>(arguments, now, request);
        !ready.ok()) {
      return NotRun(ready);
    }
    if (options.when_down == WhenDown::kFail) {
      const absl::Status reachable = Reachable();
      if (!reachable.ok()) return NotRun(reachable);
    }
    if (!retries_.enabled()) {
      return NextCarrier().Start(std::move(request), call, cancellation, done);
    }
    request.message_id = std::string_view(retries_.Begin());
    RetryingCall::Call retrying = {std::move(request),
                                   M::kIdempotent,
                                   {},
                                   options.when_full == WhenFull::kWait,
                                   call};
    if (cancellation != nullptr) retrying.cancellation = cancellation->tokens();
    return RetryingCall::Start(this, &retries_, std::move(retrying), done);
  }

  // From Attempts.
  absl::Status Send(Request&& request, PendingCall* call,
                    const std::shared_ptr<Cancellation>& cancellation,
                    const std::atomic<bool>* done) override {
    return NextCarrier().Start(std::move(request), call, cancellation, done);
  }
  absl::Status Pause(
      Deadline until, PendingCall* call,
      const std::shared_ptr<Cancellation>& cancellation) override {
    return carriers_.front()->Pause(until, call, cancellation);
  }

  template <typename M>
  absl::Status Prepare(const ArgumentBody<M>& arguments, TimePoint now,
                       Request& request) const {
    if (request.deadline.Expired(now)) {
      return absl::DeadlineExceededError(
          "the deadline had passed before the call began");
    }
    if (options_.names_method) request.method = M::kName;
    absl::Status status = wire::CheckMetadata(request.metadata);
    if (!status.ok()) return status;
    EncodeBody(serializer_, arguments, request.body,
               [&](const absl::Status& why) {
                 status = Annotate(why, "encoding the arguments");
               });
    return status;
  }

  void AddCarrier(typename Transport::Options transport) {
    const auto count =
        static_cast<std::size_t>(std::max(1, options_.connections));
    const std::size_t share =
        (options_.max_in_flight + carriers_.size()) / count;
    carriers_.push_back(std::make_unique<Carrier<Transport>>(
        std::move(transport), share, [this] { callbacks_.Flush(); }));
  }

  // They take turns, but for those that are down while others are not.
  Carrier<Transport>& NextCarrier() {
    const std::size_t count = carriers_.size();
    if (count == 1) return *carriers_.front();
    for (std::size_t passed = 0;; ++passed) {
      Carrier<Transport>& next =
          *carriers_[next_.fetch_add(1, std::memory_order_relaxed) % count];
      if (passed == count || next.Ready().ok()) return next;
    }
  }

  // OK if one of them is.
  absl::Status Reachable() const {
    absl::Status status;
    for (const auto& carrier : carriers_) {
      status = carrier->Ready();
      if (status.ok()) break;
    }
    return status;
  }

  static absl::Status MayNotWait() {
    return NotRun(absl::FailedPreconditionError(
        "a callback that runs on the transport's thread may not wait for a "
        "call; use CallAsync, or set callback_threads to 1 or more"));
  }

  static const absl::Status& AsStatus(const absl::Status& status) {
    return status;
  }
  template <typename T>
  static const absl::Status& AsStatus(const absl::StatusOr<T>& result) {
    return result.status();
  }

  template <typename M>
  absl::Status Explain(const absl::Status& status, TimePoint begin,
                       int attempt = 1) const {
    return Annotate(status, absl::StrCat(ToAbsl(M::kName), " over ", Where(),
                                         ", attempt ", attempt, ", ",
                                         absl::FormatDuration(absl::Trunc(
                                             absl::FromChrono(Now() - begin),
                                             absl::Microseconds(1)))));
  }

  const Options options_;
  const Serializer& serializer_;
  Retries retries_;
  CallbackQueue callbacks_;
  std::atomic<std::size_t> next_ = 0;
  // Last: their threads use what stands above.
  std::vector<std::unique_ptr<Carrier<Transport>>> carriers_;
};

}  // namespace rpc::core

#endif  // RPC_CORE_CALLER_H_
