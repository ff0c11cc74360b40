#ifndef RPC_CORE_REMOTE_H_
#define RPC_CORE_REMOTE_H_

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/core/call_options.h"
#include "rpc/core/call_result.h"
#include "rpc/core/codec.h"
#include "rpc/core/dispatcher.h"
#include "rpc/core/endpoint_options.h"
#include "rpc/core/pending_calls.h"
#include "rpc/core/server.h"
#include "rpc/core/waiting_call.h"
#include "rpc/core/worker_pool.h"
#include "rpc/message/correlation_id.h"
#include "rpc/message/envelope.h"
#include "rpc/message/server_context.h"
#include "rpc/message/wire.h"
#include "rpc/transport/transport_policy.h"

namespace rpc::core {

// An endpoint's inside over a transport that has two ends: the calls that wait
// for replies, and the server while there is one. Thread-safe after Open.
template <typename Transport, typename Serializer, typename Handler>
class Remote {
 public:
  static absl::StatusOr<std::unique_ptr<Remote>> Open(
      EndpointOptions<Transport> options, Handler handler,
      Serializer serializer) {
    const Deadline deadline = Deadline::After(options.open_timeout);
    auto remote = std::make_unique<Remote>(
        std::move(options), std::move(handler), std::move(serializer));
    const absl::Status opened = remote->transport_->Open(deadline);
    if (!opened.ok()) return opened;
    return remote;
  }

  Remote(EndpointOptions<Transport> options, Handler handler,
         Serializer serializer)
      : serializer_(std::move(serializer)),
        handler_(std::move(handler)),
        default_timeout_(options.default_timeout),
        callback_threads_(std::max(1, options.callback_threads)),
        server_options_(std::move(options.server)),
        pending_(options.max_in_flight),
        transport_(std::in_place, std::move(options.transport)) {}

  ~Remote() {
    pending_.Close(absl::CancelledError("the endpoint was destroyed"));
    // Callbacks may call this endpoint: the transport outlives them.
    if (callbacks_.has_value()) callbacks_->Join();
    transport_.reset();
  }

  template <typename M>
  CallResult<M> Call(const ArgumentBody<M>& arguments,
                     const CallOptions& options) {
    const TimePoint begin = Clock::now();
    BlockingCall call;
    std::optional<Cancellation> cancellation;
    if (Cancellation::IsPossible(options)) cancellation.emplace();
    const absl::Status started =
        Start<M>(arguments, options, begin, &call,
                 cancellation.has_value() ? &*cancellation : nullptr);
    if (!started.ok()) return Explain<M>(started, begin);
    return Finish<M>(call.Wait(), begin);
  }

  template <typename M>
  void CallAsync(const ArgumentBody<M>& arguments, const CallOptions& options,
                 Callback<M> callback) {
    const TimePoint begin = Clock::now();
    auto call =
        std::make_unique<AsyncCall<M>>(this, begin, std::move(callback));
    std::shared_ptr<Cancellation> cancellation;
    if (Cancellation::IsPossible(options)) {
      cancellation = std::make_shared<Cancellation>();
      call->cancellation = cancellation;
    }
    const absl::Status started =
        Start<M>(arguments, options, begin, call.get(), cancellation.get());
    // Once started, the call is in the hands of whoever completes it.
    AsyncCall<M>* const owned = call.release();
    if (!started.ok()) owned->Complete({.status = started});
  }

  // `on_serving` is called as ServerOptions::on_serving is, after it.
  absl::Status Serve(const std::stop_token& stop,
                     const std::function<void()>& on_serving = {}) {
    {
      const std::lock_guard lock(mutex_);
      if (serving_) {
        return absl::FailedPreconditionError("this endpoint serves already");
      }
      serving_ = true;
      server_ = std::make_shared<Server>(
          WithHook(on_serving),
          [this](const ServerContext& context, const Request& request,
                 Reply& reply) { Handle(context, request, reply); });
    }
    const absl::Status status = ServeUntil(stop, server_.get());
    const std::lock_guard lock(mutex_);
    serving_ = false;
    return status;
  }

  ServerCounters server_counters() const {
    const std::lock_guard lock(mutex_);
    return server_ == nullptr ? ServerCounters() : server_->counters();
  }
  CallCounters call_counters() const { return pending_.counters(); }
  std::size_t in_flight() const { return pending_.in_flight(); }

 private:
  ServerOptions WithHook(const std::function<void()>& on_serving) const {
    ServerOptions options = server_options_;
    if (!on_serving) return options;
    options.on_serving = [first = options.on_serving, second = on_serving] {
      if (first) first();
      second();
    };
    return options;
  }

  struct CompletedCall {
    virtual ~CompletedCall() = default;
    virtual void Run() = 0;
  };

  // Owns itself from the moment that it is pending until it is completed, and
  // its callback's queue from there.
  template <typename M>
  struct AsyncCall final : PendingCall, CompletedCall {
    AsyncCall(Remote* owner, TimePoint begun, Callback<M> on_result)
        : remote(owner), begin(begun), callback(std::move(on_result)) {}

    void Complete(Reply outcome) override {
      reply = std::move(outcome);
      remote->callbacks().Push(std::unique_ptr<CompletedCall>(this));
    }
    void Run() override {
      std::move(callback)(remote->template Finish<M>(std::move(reply), begin));
    }

    Remote* remote;
    TimePoint begin;
    Callback<M> callback;
    std::shared_ptr<Cancellation> cancellation;
    Reply reply;
  };
  using CallbackPool = WorkerPool<std::unique_ptr<CompletedCall>>;

  // Not OK: `call` is not pending and will not be completed.
  template <typename M>
  absl::Status Start(const ArgumentBody<M>& arguments,
                     const CallOptions& options, TimePoint now,
                     PendingCall* call, Cancellation* cancellation) {
    Request request;
    request.deadline = DeadlineOf(options, default_timeout_, now);
    request.metadata = MetadataOf(options);
    if (const absl::Status ready = Prepare<M>(arguments, now, request);
        !ready.ok()) {
      return NotRun(ready);
    }
    const absl::StatusOr<CorrelationId> id =
        pending_.Add(call, request.deadline);
    if (!id.ok()) return id.status();
    if (cancellation != nullptr) cancellation->Arm(&pending_, *id, options);
    const auto text = id->Text();
    request.correlation_id = std::string_view(text.data(), text.size());
    // Not before the call is pending: a closing endpoint refuses that, and its
    // transport is left alone.
    absl::Status submitted = StartCalls();
    if (submitted.ok()) submitted = transport_->Submit(std::move(request));
    // A call that is over by now was completed, and has its outcome.
    if (submitted.ok() || !pending_.Remove(*id)) return absl::OkStatus();
    return NotRun(submitted);
  }

  template <typename M>
  absl::Status Prepare(const ArgumentBody<M>& arguments, TimePoint now,
                       Request& request) {
    if (request.deadline.Expired(now)) {
      return absl::DeadlineExceededError(
          "the deadline had passed before the call began");
    }
    if (MethodsOf<Handler>::kSize > 1) request.method = M::kName;
    absl::Status status = wire::CheckMetadata(request.metadata);
    if (!status.ok()) return status;
    EncodeBody(serializer_, arguments, request.body,
               [&](const absl::Status& why) {
                 status = Annotate(why, "encoding the arguments");
               });
    return status;
  }

  // The calling half is set up by the first call: an endpoint that only serves
  // needs no reply address.
  absl::Status StartCalls() {
    std::call_once(calls_started_,
                   [&] { calls_status_ = transport_->StartCalls(&pending_); });
    return calls_status_;
  }

  template <typename M>
  CallResult<M> Finish(Reply reply, TimePoint begin) const {
    if (!reply.status.ok()) return Explain<M>(reply.status, begin);
    CallResult<M> result = DecodeResult<M>(serializer_, reply.body.view());
    if (result.ok()) return result;
    return Explain<M>(AsStatus(result), begin);
  }

  static const absl::Status& AsStatus(const absl::Status& status) {
    return status;
  }
  template <typename T>
  static const absl::Status& AsStatus(const absl::StatusOr<T>& result) {
    return result.status();
  }

  template <typename M>
  absl::Status Explain(const absl::Status& status, TimePoint begin) const {
    return Annotate(
        status,
        absl::StrCat(ToAbsl(M::kName), " over ", Where(), ", attempt 1, ",
                     absl::FormatDuration(
                         absl::Trunc(absl::FromChrono(Clock::now() - begin),
                                     absl::Microseconds(1)))));
  }

  void Handle(const ServerContext& context, const Request& request,
              Reply& reply) const {
    using Dispatch = Dispatcher<Serializer, Handler>;
    reply.status = Dispatch::CheckContentType(request.content_type);
    if (reply.status.ok()) {
      reply.status = Dispatch(&serializer_, &handler_)
                         .Dispatch(context, request.method, request.body.view(),
                                   reply.body);
    }
    if (!reply.status.ok()) reply.body.clear();
  }

  absl::Status ServeUntil(const std::stop_token& stop, Server* server) {
    absl::Status status =
        transport_->StartServing(server, server->serving_options());
    if (status.ok()) status = server->WaitForEnd(stop);
    const Deadline deadline = Deadline::After(server_options_.drain_timeout);
    status.Update(Stop(server, deadline));
    status.Update(server->Drain(deadline));
    status.Update(transport_->Flush(deadline));
    return Annotate(status, "serving over " + Where());
  }

  // A handler that runs on the transport's thread past `deadline` is told to
  // stop, and waited for.
  absl::Status Stop(Server* server, Deadline deadline) {
    const absl::Status stopped = transport_->StopServing(deadline);
    if (!absl::IsDeadlineExceeded(stopped)) return stopped;
    server->CancelHandlers();
    transport_->StopServing(Deadline()).IgnoreError();
    return stopped;
  }

  std::string Where() const { return transport_->Describe(); }

  CallbackPool& callbacks() {
    std::call_once(callbacks_started_, [&] {
      callbacks_.emplace(
          callback_threads_,
          [](std::unique_ptr<CompletedCall> call) { call->Run(); });
    });
    return *callbacks_;
  }

  [[no_unique_address]] const Serializer serializer_;
  [[no_unique_address]] const Handler handler_;
  const absl::Duration default_timeout_;
  const int callback_threads_;
  const ServerOptions server_options_;

  mutable std::mutex mutex_;
  bool serving_ = false;
  std::shared_ptr<Server> server_;

  std::once_flag calls_started_;
  absl::Status calls_status_;
  std::once_flag callbacks_started_;
  PendingCalls pending_;
  std::optional<Transport> transport_;
  // Its threads run callbacks that use all of the above.
  std::optional<CallbackPool> callbacks_;
};

}  // namespace rpc::core

#endif  // RPC_CORE_REMOTE_H_
