#ifndef RPC_CORE_STUB_H_
#define RPC_CORE_STUB_H_

#include <tuple>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "rpc/core/awaitable_call.h"
#include "rpc/core/call_options.h"
#include "rpc/core/call_result.h"
#include "rpc/core/codec.h"
#include "rpc/core/future.h"
#include "rpc/message/method.h"

namespace rpc {

// One method of an endpoint, to be called with its own arguments. Borrows the
// endpoint's inside: must not outlive the endpoint; may outlive its being
// moved, but over a transport of the same thread. Thread-safe; a value.
template <typename Core, typename M, typename Arguments>
class Stub;

template <typename Core, typename M, typename... Args>
class Stub<Core, M, std::tuple<Args...>> {
 public:
  explicit Stub(Core* core) : core_(core) {}

  // Blocks until the call is over: at latest 100 ms after its deadline.
  CallResult<M> Call(Args... arguments,
                     const CallOptions& options = core::NoOptions()) const {
    return core_->template Call<M>(Pack(std::move(arguments)...), options);
  }

  // Returns at once; `callback` runs once, on a thread of the endpoint's, with
  // what Call would have returned.
  void CallAsync(Args... arguments, const CallOptions& options,
                 Callback<M> callback) const {
    core_->template CallAsync<M>(Pack(std::move(arguments)...), options,
                                 std::move(callback));
  }
  void CallAsync(Args... arguments, Callback<M> callback) const {
    CallAsync(std::move(arguments)..., core::NoOptions(), std::move(callback));
  }

  // Returns at once; the future has what Call would have returned.
  Future<M> CallFuture(Args... arguments,
                       const CallOptions& options = core::NoOptions()) const {
    return core_->template CallFuture<M>(Pack(std::move(arguments)...),
                                         options);
  }

#ifdef RPC_HAS_COROUTINES
  // `co_await` of what this returns makes the call and gives what Call would
  // have returned. The coroutine goes on on a thread of the endpoint's, unless
  // ResumeOn() says where.
  auto CallAwaitable(Args... arguments, CallOptions options = {}) const {
    return core_->template CallAwaitable<M>(Pack(std::move(arguments)...),
                                            std::move(options));
  }
#endif

  // Makes a call for each element, all at once, and blocks until all are over:
  // the results in the order of the arguments. Each element is the argument, or
  // the std::tuple of several. `options` are each call's.
  std::vector<CallResult<M>> CallBatch(
      absl::Span<const core::ArgumentBody<M>> arguments,
      const CallOptions& options = core::NoOptions()) const {
    return core_->template CallBatch<M>(arguments, options);
  }

 private:
  static core::ArgumentBody<M> Pack(Args&&... arguments) {
    // Not braces: some types take those for a list of elements.
    return core::ArgumentBody<M>(std::move(arguments)...);
  }

  Core* core_;
};

namespace core {

// Gives an endpoint with one method that method's calls as its own.
template <typename Endpoint, typename Methods>
class OnlyMethod {
 public:
  template <typename... Args>
  void Call(Args&&...) {
    Refuse<Args...>();
  }
  template <typename... Args>
  void CallAsync(Args&&...) {
    Refuse<Args...>();
  }
  template <typename... Args>
  void CallFuture(Args&&...) {
    Refuse<Args...>();
  }
  template <typename... Args>
  void CallAwaitable(Args&&...) {
    Refuse<Args...>();
  }
  template <typename... Args>
  void CallBatch(Args&&...) {
    Refuse<Args...>();
  }

 private:
  template <typename... Args>
  static void Refuse() {
    static_assert(sizeof...(Args) < 0,
                  "RpcEndpoint: this endpoint has several methods; call one by "
                  "name, endpoint.Stub<\"name\">().Call(...).");
  }
};

// Of a handler without methods, which the endpoint refuses.
template <typename Endpoint>
class OnlyMethod<Endpoint, TypeList<>> {};

template <typename Endpoint, typename M>
requires kIsMethod<M>
class OnlyMethod<Endpoint, TypeList<M>>
    : public OnlyMethod<Endpoint, TypeList<M, typename M::Arguments>> {
};

template <typename Endpoint, typename M, typename... Args>
class OnlyMethod<Endpoint, TypeList<M, std::tuple<Args...>>> {
 public:
  // As those of Stub.
  CallResult<M> Call(Args... arguments,
                     const CallOptions& options = core::NoOptions()) {
    return stub().Call(std::move(arguments)..., options);
  }
  void CallAsync(Args... arguments, const CallOptions& options,
                 Callback<M> callback) {
    stub().CallAsync(std::move(arguments)..., options, std::move(callback));
  }
  void CallAsync(Args... arguments, Callback<M> callback) {
    stub().CallAsync(std::move(arguments)..., std::move(callback));
  }
  Future<M> CallFuture(Args... arguments,
                       const CallOptions& options = core::NoOptions()) {
    return stub().CallFuture(std::move(arguments)..., options);
  }
#ifdef RPC_HAS_COROUTINES
  auto CallAwaitable(Args... arguments, CallOptions options = {}) {
    return stub().CallAwaitable(std::move(arguments)..., std::move(options));
  }
#endif
  std::vector<CallResult<M>> CallBatch(
      absl::Span<const core::ArgumentBody<M>> arguments,
      const CallOptions& options = core::NoOptions()) {
    return stub().CallBatch(arguments, options);
  }

 private:
  auto stub() { return static_cast<Endpoint*>(this)->template StubOf<M>(); }
};

}  // namespace core
}  // namespace rpc

#endif  // RPC_CORE_STUB_H_
