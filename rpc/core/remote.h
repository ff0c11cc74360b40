#ifndef RPC_CORE_REMOTE_H_
#define RPC_CORE_REMOTE_H_

#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/core/caller.h"
#include "rpc/core/concurrency_limits.h"
#include "rpc/core/dispatcher.h"
#include "rpc/core/endpoint_options.h"
#include "rpc/core/pending_calls.h"
#include "rpc/core/server.h"
#include "rpc/handler/handler_policy.h"
#include "rpc/message/envelope.h"
#include "rpc/message/server_context.h"

namespace rpc::core {

// An endpoint's inside over a transport that has two ends: the calls that wait
// for replies, and the server while there is one. Thread-safe after Open.
template <typename Transport, typename Serializer, typename Handler>
class Remote {
 public:
  using Calls = Caller<Transport, Serializer>;

  static absl::StatusOr<std::unique_ptr<Remote>> Open(
      EndpointOptions<Transport> options, Handler handler,
      Serializer serializer) {
    absl::Status valid = Validate(options.retry);
    valid.Update(ValidateLimits(MethodsOf<Handler>(), options.server));
    if (!valid.ok()) return valid;
    const Deadline deadline = Deadline::After(options.open_timeout);
    auto remote = std::make_unique<Remote>(
        std::move(options), std::move(handler), std::move(serializer));
    for (auto& carrier : remote->calls_.carriers()) {
      const absl::Status opened = carrier->transport().Open(deadline);
      if (!opened.ok()) return opened;
    }
    return remote;
  }

  Remote(EndpointOptions<Transport> options, Handler handler,
         Serializer serializer)
      : serializer_(std::move(serializer)),
        handler_(std::move(handler)),
        server_options_(std::move(options.server)),
        calls_({.default_timeout = options.default_timeout,
                .max_in_flight = options.max_in_flight,
                .callback_threads = options.callback_threads,
                .connections = options.connections,
                .names_method = MethodsOf<Handler>::kSize > 1,
                .retry = std::move(options.retry)},
               std::move(options.transport), &serializer_) {}

  Calls& calls() { return calls_; }
  const Calls& calls() const { return calls_; }

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
                 Reply& reply) { Handle(context, request, reply); },
          ServerPlace{.transports = calls_.carriers().size(),
                      .now = [this] { return calls_.Now(); },
                      .only_method = OnlyMethod(MethodsOf<Handler>()),
                      .cancels_handlers =
                          Dispatcher<Serializer, Handler>::SeesContexts()});
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
  CallCounters call_counters() const { return calls_.counters(); }
  const Transport& transport() const {
    return calls_.carriers().front()->transport();
  }

 private:
  template <typename... Methods>
  static absl::Status ValidateLimits(TypeList<Methods...>,
                                     const ServerOptions& options) {
    return ConcurrencyLimits::Validate(options.max_concurrent,
                                       {std::string_view(Methods::kName)...});
  }

  template <typename... Methods>
  static std::string_view OnlyMethod(TypeList<Methods...>) {
    return {};
  }
  template <typename Method>
  static std::string_view OnlyMethod(TypeList<Method>) {
    return Method::kName;
  }

  ServerOptions WithHook(const std::function<void()>& on_serving) const {
    ServerOptions options = server_options_;
    if (!on_serving) return options;
    options.on_serving = [first = options.on_serving, second = on_serving] {
      if (first) first();
      second();
    };
    return options;
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
    absl::Status status;
    for (auto& carrier : calls_.carriers()) {
      status.Update(
          carrier->transport().StartServing(server, server->serving_options()));
    }
    if (status.ok()) status = server->WaitForEnd(stop);
    const Deadline deadline = Deadline::After(server_options_.drain_timeout);
    for (auto& carrier : calls_.carriers()) {
      status.Update(Stop(carrier->transport(), server, deadline));
    }
    status.Update(server->Drain(deadline));
    for (auto& carrier : calls_.carriers()) {
      status.Update(carrier->transport().Flush(deadline));
    }
    return Annotate(status, "serving over " + calls_.Where());
  }

  // A handler that runs on the transport's thread past `deadline` is told to
  // stop, and waited for.
  static absl::Status Stop(Transport& transport, Server* server,
                           Deadline deadline) {
    const absl::Status stopped = transport.StopServing(deadline);
    if (!absl::IsDeadlineExceeded(stopped)) return stopped;
    server->CancelHandlers();
    transport.StopServing(Deadline()).IgnoreError();
    return stopped;
  }

  [[no_unique_address]] const Serializer serializer_;
  [[no_unique_address]] const Handler handler_;
  const ServerOptions server_options_;

  mutable std::mutex mutex_;
  bool serving_ = false;
  std::shared_ptr<Server> server_;

  // Last: its transports' threads, and the callbacks, use all of the above.
  Calls calls_;
};

}  // namespace rpc::core

#endif  // RPC_CORE_REMOTE_H_
