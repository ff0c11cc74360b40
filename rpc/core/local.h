#ifndef RPC_CORE_LOCAL_H_
#define RPC_CORE_LOCAL_H_

#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "rpc/base/bytes.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/core/awaitable_call.h"
#include "rpc/core/call_options.h"
#include "rpc/core/call_result.h"
#include "rpc/core/codec.h"
#include "rpc/core/dispatcher.h"
#include "rpc/core/endpoint_options.h"
#include "rpc/core/future.h"
#include "rpc/core/pending_calls.h"
#include "rpc/message/envelope.h"
#include "rpc/message/server_context.h"
#include "rpc/message/wire.h"

namespace rpc::core {

// An endpoint's inside over a transport of the same thread: a call is a
// function call. Has no state beyond its policies; thread-safe as they are.
template <typename Transport, typename Serializer, typename Handler>
class Local {
 public:
  static absl::StatusOr<Local> Open(EndpointOptions<Transport> options,
                                    Handler handler, Serializer serializer) {
    if (options.retry.max_attempts != 1) {
      return absl::InvalidArgumentError(
          "EndpointOptions: over a transport of the same thread there is no "
          "second attempt; leave retry.max_attempts at 1");
    }
    const Deadline deadline = Deadline::After(options.open_timeout);
    Local local(std::move(options), std::move(handler), std::move(serializer));
    const absl::Status opened = local.transport_.Open(deadline);
    if (!opened.ok()) return opened;
    return local;
  }

  using Calls = Local;
  Local& calls() { return *this; }

  template <typename M>
  CallResult<M> Call(const ArgumentBody<M>& arguments,
                     const CallOptions& options) {
    if (!IsPlain(options)) return CallWith<M>(arguments, options);
    return CallIn<M>(arguments,
                     {.method = M::kName, .metadata = &options.metadata});
  }

  // The callback has run when this returns.
  template <typename M>
  void CallAsync(const ArgumentBody<M>& arguments, const CallOptions& options,
                 Callback<M> callback) {
    std::move(callback)(Call<M>(arguments, options));
  }

  // Ready when this returns.
  template <typename M>
  Future<M> CallFuture(const ArgumentBody<M>& arguments,
                       const CallOptions& options) {
    return Future<M>(Call<M>(arguments, options));
  }

#ifdef RPC_HAS_COROUTINES
  template <typename M>
  ReadyCall<M> CallAwaitable(const ArgumentBody<M>& arguments,
                             const CallOptions& options) {
    return ReadyCall<M>(Call<M>(arguments, options));
  }
#endif

  template <typename M>
  std::vector<CallResult<M>> CallBatch(
      absl::Span<const ArgumentBody<M>> arguments, const CallOptions& options) {
    std::vector<CallResult<M>> results;
    results.reserve(arguments.size());
    for (const ArgumentBody<M>& one : arguments) {
      results.push_back(Call<M>(one, options));
    }
    return results;
  }

  ServerCounters server_counters() const { return {}; }
  CallCounters call_counters() const { return {}; }
  const Transport& transport() const { return transport_; }

 private:
  Local(EndpointOptions<Transport> options, Handler handler,
        Serializer serializer)
      : transport_(std::move(options.transport)),
        serializer_(std::move(serializer)),
        handler_(std::move(handler)) {}

  static bool IsPlain(const CallOptions& options) {
    return !options.timeout.has_value() && options.parent == nullptr &&
           !options.cancellation.stop_possible() && options.metadata.empty();
  }

  // Apart, so that what it needs costs a plain call nothing.
  template <typename M>
  ABSL_ATTRIBUTE_NOINLINE CallResult<M> CallWith(
      const ArgumentBody<M>& arguments, const CallOptions& options) {
    Metadata merged;
    if (options.parent != nullptr) merged = MetadataOf(options);
    const ServerContext context = {
        .deadline = DeadlineFor(options),
        .cancellation = CancellationOf(options),
        .method = M::kName,
        .metadata = options.parent != nullptr ? &merged : &options.metadata};
    const absl::Status status = Check(context);
    if (!status.ok()) return Explain<M>(NotRun(status));
    return CallIn<M>(arguments, context);
  }

  template <typename M>
  CallResult<M> CallIn(const ArgumentBody<M>& arguments,
                       const ServerContext& context) {
    Bytes request;
    absl::Status refused;
    const auto fail = [&](const absl::Status& why) { refused = NotRun(why); };
    if (!EncodeBody(serializer_, arguments, request, fail)) {
      return Explain<M>(refused);
    }
    Bytes reply;
    const absl::Status status = transport_.Exchange(
        M::kName, request.view(),
        [&](std::string_view method, std::string_view body) {
          return Dispatcher<Serializer, Handler>(&serializer_, &handler_)
              .Dispatch(context, method, body, reply);
        });
    if (!status.ok()) return Explain<M>(status);
    return DecodeResult<M>(serializer_, reply.view());
  }

  // Reads the clock only for a call that asks for a deadline.
  static Deadline DeadlineFor(const CallOptions& options) {
    const bool has_own = options.timeout.has_value();
    if (!has_own && options.parent == nullptr) return Deadline();
    return DeadlineOf(options, absl::InfiniteDuration(),
                      has_own ? Clock::now() : TimePoint());
  }
  // The handler runs on the caller's thread, so that the caller's wish can
  // reach it; where there is none, the wish of the caller's caller.
  static const std::stop_token& CancellationOf(const CallOptions& options) {
    const bool is_parents =
        !options.cancellation.stop_possible() && options.parent != nullptr;
    return is_parents ? options.parent->cancellation : options.cancellation;
  }
  static absl::Status Check(const ServerContext& context) {
    if (context.cancellation.stop_requested()) {
      return absl::CancelledError("the caller cancelled the call");
    }
    if (!context.deadline.is_never() &&
        context.deadline.Expired(Clock::now())) {
      return absl::DeadlineExceededError(
          "the deadline had passed before the call began");
    }
    if (context.metadata->empty()) return absl::OkStatus();
    return wire::CheckMetadata(*context.metadata);
  }

  template <typename M>
  ABSL_ATTRIBUTE_COLD absl::Status Explain(const absl::Status& status) const {
    const std::string where = transport_.Describe();
    return Annotate(status, std::string(M::kName) + " over " + where);
  }

  [[no_unique_address]] Transport transport_;
  [[no_unique_address]] Serializer serializer_;
  [[no_unique_address]] Handler handler_;
};

}  // namespace rpc::core

#endif  // RPC_CORE_LOCAL_H_
