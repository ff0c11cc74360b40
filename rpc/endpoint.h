#ifndef RPC_ENDPOINT_H_
#define RPC_ENDPOINT_H_

#include <functional>
#include <stop_token>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc/core/call_options.h"
#include "rpc/core/call_result.h"
#include "rpc/core/policy_checks.h"
#include "rpc/core/server.h"
#include "rpc/core/serving_thread.h"
#include "rpc/core/stop_on_signal.h"
#include "rpc/core/stub.h"
#include "rpc/handler/handler_policy.h"
#include "rpc/message/method.h"
#include "rpc/serializer/serializer_policy.h"
#include "rpc/transport/transport_policy.h"

namespace rpc {

// Both sides of a typed, deadline-bound remote call, put together from three
// policies: how requests travel, what bodies look like, and what is called.
//
//   using Doubler = rpc::RpcEndpoint<rpc::MemoryTransport,
//                                    rpc::DecimalSerializer, Double>;
//   auto endpoint = Doubler::Open({.transport = {.broker = broker}});
//   if (!endpoint.ok()) return endpoint.status();
//   absl::StatusOr<std::int64_t> four = endpoint->Call(2);
//
// Every call ends once, with a value or a status, at most 100 ms after its
// deadline; MayHaveRun(status) says whether the handler may have run.
// Thread-safe; movable while it is not used. The destructor ends the pending
// calls and takes at most 1 s beyond the callbacks that run, none of which may
// be what calls it; Serve() must have returned before it.
template <typename Transport, typename Serializer, typename Handler>
class RpcEndpoint
    : public core::OnlyMethod<RpcEndpoint<Transport, Serializer, Handler>,
                              MethodsOf<Handler>> {
  using Methods = MethodsOf<Handler>;
  using Checks = core::MethodChecks<Serializer, Handler, Methods>;

  using Inside = core::Inside<core::kValid<Transport, Serializer, Handler>,
                              Transport, Serializer, Handler>;
  using Core = typename Inside::Core;

 public:
  using Options = typename Inside::Options;

  // Reaches the other side within options.open_timeout, or says why not.
  // Declares nothing: the first call and Serve() do, each for its half.
  static absl::StatusOr<RpcEndpoint> Open(
      Options options = {}, Handler handler = Handler(),
      Serializer serializer = Serializer()) {
    auto core = Core::Open(std::move(options), std::move(handler),
                           std::move(serializer));
    if (!core.ok()) return core.status();
    return RpcEndpoint(*std::move(core));
  }

  // From core::OnlyMethod: Call(arguments..., CallOptions = {}), CallAsync,
  // CallFuture, CallAwaitable and CallBatch, as of the only method's Stub.

  // The calls of the method of that name: `Stub<"add">().Call(1, 2)`.
  template <FixedString kName>
  auto Stub() {
    using M = typename core::FindMethod<Methods>::template Type<kName>;
    static_assert(!std::is_void_v<M>,
                  "RpcEndpoint: no method of this endpoint has that name.");
    if constexpr (std::is_void_v<M>) {
      return core::Refused();
    } else {
      return StubOf<M>();
    }
  }
  template <typename M>
  auto StubOf() {
    return rpc::Stub<typename Core::Calls, M, typename M::Arguments>(
        &core().calls());
  }

  // Takes requests and answers them until `stop` is requested, then drains:
  // takes no more, gives back what no handler has begun, waits for the handlers
  // that run, and sends their replies. Returns OK then; DEADLINE_EXCEEDED if
  // handlers had to be cancelled; otherwise why it cannot serve. What heals by
  // itself, a lost connection, does not end it. One at a time.
  absl::Status Serve(std::stop_token stop) { return servable().Serve(stop); }

  // Serves on a thread of its own, and returns when requests are being taken
  // or with why they are not.
  absl::StatusOr<ServingThread> ServeInBackground() {
    return ServingThread::Start(
        [inside = &servable()](const std::stop_token& stop,
                               const std::function<void()>& ready) {
          return inside->Serve(stop, ready);
        });
  }

  // What this endpoint has done so far. All zero over a same-thread transport.
  ServerCounters server_counters() const { return core().server_counters(); }
  CallCounters call_counters() const { return core().call_counters(); }
  // For what it tells of itself; of several connections the first.
  const Transport& transport() const { return core().transport(); }

 private:
  explicit RpcEndpoint(typename Inside::Holder inside)
      : inside_(std::move(inside)) {}

  auto& servable() {
    static_assert(Checks::kHasBodies,
                  "RpcEndpoint: a Method alone is the client's half and cannot "
                  "be served; give the endpoint a handler with a body, see "
                  "rpc/handler/handler_policy.h.");
    static_assert(!SameThread<Transport>,
                  "RpcEndpoint: over a transport of the same thread calls are "
                  "served where they are made; there is nothing to Serve().");
    if constexpr (Checks::kHasBodies && !SameThread<Transport>) {
      return core();
    } else {
      static core::Refused refused;
      return refused;
    }
  }
  auto& core() {
    if constexpr (SameThread<Transport>) {
      return inside_;
    } else {
      return *inside_;
    }
  }
  const auto& core() const { return const_cast<RpcEndpoint*>(this)->core(); }

  [[no_unique_address]] typename Inside::Holder inside_;

  // Last: clang does not read on where one fails, and would miss members.
  static_assert(
      HasTransportTraits<Transport>,
      "RpcEndpoint: Transport must provide `static constexpr TransportTraits "
      "kTraits`; see rpc/transport/transport_policy.h.");
  static_assert(
      HasOptions<Transport>,
      "RpcEndpoint: Transport must provide `struct Options` with a default for "
      "each member, and `explicit Transport(Options)`; see "
      "rpc/transport/transport_policy.h.");
  static_assert(
      OpensAndDescribes<Transport>,
      "RpcEndpoint: Transport must provide `absl::Status Open(Deadline)` and "
      "`std::string Describe() const`; see rpc/transport/transport_policy.h.");
  static_assert(SameThread<Transport> || CarriesCalls<Transport>,
                "RpcEndpoint: Transport must provide `absl::Status StartCalls("
                "CallEvents*)` and `absl::Status Submit(Request)`; see "
                "rpc/transport/transport_policy.h.");
  static_assert(
      SameThread<Transport> || Serves<Transport>,
      "RpcEndpoint: Transport must provide `absl::Status StartServing("
      "ServerEvents*, ServingOptions)`, `absl::Status StopServing(Deadline)` "
      "and `absl::Status Flush(Deadline)`; see "
      "rpc/transport/transport_policy.h.");
  static_assert(
      !SameThread<Transport> || Exchanges<Transport>,
      "RpcEndpoint: a Transport with kTraits.same_thread must provide "
      "`absl::Status Exchange(std::string_view method, std::string_view body, "
      "Serve&&)`; see rpc/transport/transport_policy.h.");
  static_assert(
      HasContentType<Serializer>,
      "RpcEndpoint: Serializer must provide `static constexpr std::string_view "
      "kContentType`; see rpc/serializer/serializer_policy.h.");
  static_assert(
      HandlesMethods<Handler>,
      "RpcEndpoint: Handler must provide `using Method = rpc::Method<\"name\", "
      "Result(Args...)>`; see rpc/handler/handler_policy.h.");
  static_assert(
      Checks::kEncodesArguments && Checks::kEncodesResults,
      "RpcEndpoint: Serializer must provide `void Encode(const T&, "
      "rpc::Bytes&) const` for each argument (the std::tuple of them, where "
      "there are several) and each result; see "
      "rpc/serializer/serializer_policy.h.");
  static_assert(
      Checks::kDecodesArguments && Checks::kDecodesResults,
      "RpcEndpoint: Serializer must provide `rpc::Outcome<T> "
      "Decode<T>(std::string_view) const` for each argument (the std::tuple of "
      "them, where there are several) and each result; see "
      "rpc/serializer/serializer_policy.h.");
  static_assert(
      Checks::kHandlesAll,
      "RpcEndpoint: Handler must provide `Result operator()(Args...) const` "
      "for its Method; see rpc/handler/handler_policy.h.");
  static_assert(
      Checks::kHasBodies || !SameThread<Transport>,
      "RpcEndpoint: over a transport of the same thread the Handler must have "
      "a body: a Method alone is the client's half; see "
      "rpc/handler/handler_policy.h.");
};

}  // namespace rpc

#endif  // RPC_ENDPOINT_H_
