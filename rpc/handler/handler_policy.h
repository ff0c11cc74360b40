#ifndef RPC_HANDLER_HANDLER_POLICY_H_
#define RPC_HANDLER_HANDLER_POLICY_H_

#include <concepts>
#include <tuple>
#include <type_traits>

#include "absl/status/status.h"
#include "rpc/base/outcome.h"
#include "rpc/message/method.h"
#include "rpc/message/server_context.h"

// The handler's seam: a typed function under a name.
//
//   struct Handler {
//     // What it implements; both sides of a call name the same method.
//     using Method = rpc::Method<"name", Result(Args...)>;
//
//     // May return Result, Outcome<Result> or absl::StatusOr<Result>, and
//     // absl::Status where Result is void; may take a const ServerContext&
//     // before the arguments. A status reaches the caller as it is.
//     Result operator()(const Args&... arguments) const;
//   };
//
// operator() is const because several workers call it at once: guard what it
// changes. What it throws reaches the caller as UNKNOWN.
//
// rpc::Method<...> itself is a handler without a body, the client's half, and
// rpc::Service<Handlers...> is several handlers.
//
// Laws (tests/laws/handler_laws.h):
//   Total       returns or throws for every argument that can be decoded.
//   Concurrent  called from several threads, each call ends as it does alone.
namespace rpc {

template <typename H>
concept NamesMethod = requires {
  typename H::Method;
}
&&kIsMethod<typename H::Method>;

template <typename H>
concept NamesMethods = requires {
  typename H::Methods;
};

namespace handler_internal {

template <typename H>
struct MethodsOf {
  using List = TypeList<>;
};
template <typename H>
requires kIsMethod<H>
struct MethodsOf<H> {
  using List = TypeList<H>;
};
template <NamesMethods H>
struct MethodsOf<H> {
  using List = typename H::Methods;
};
template <typename H>
requires(NamesMethod<H> && !NamesMethods<H> &&
         !kIsMethod<H>) struct MethodsOf<H> {
  using List = TypeList<typename H::Method>;
};

template <typename R, typename Result>
inline constexpr bool kIsHandlerResult =
    std::is_same_v<std::remove_cvref_t<R>, Result> || kIsOutcomeOf<R, Result> ||
    (std::is_same_v<Result, Empty> &&
     (std::is_void_v<R> || std::is_same_v<R, absl::Status>));

template <typename H, typename Result, typename Arguments>
struct Invocation;
template <typename H, typename Result, typename... Args>
struct Invocation<H, Result, std::tuple<Args...>> {
  static constexpr bool kPlain = std::is_invocable_v<const H&, Args...>;
  static constexpr bool kWithContext =
      std::is_invocable_v<const H&, const ServerContext&, Args...>;

  template <bool kContext>
  static constexpr bool Returns() {
    if constexpr (kContext) {
      return kIsHandlerResult<
          std::invoke_result_t<const H&, const ServerContext&, Args...>,
          Result>;
    } else {
      return kIsHandlerResult<std::invoke_result_t<const H&, Args...>, Result>;
    }
  }
  static constexpr bool Valid() {
    if constexpr (kWithContext) {
      return Returns<true>();
    } else if constexpr (kPlain) {
      return Returns<false>();
    } else {
      return false;
    }
  }
};

template <typename H, typename M>
using InvocationOf = Invocation<H, typename M::Result, typename M::Arguments>;

}  // namespace handler_internal

// The methods of a handler, a method or a service, as a TypeList; empty if H is
// none of these.
template <typename H>
using MethodsOf = typename handler_internal::MethodsOf<H>::List;

template <typename H>
concept HandlesMethods = MethodsOf<H>::kSize >
0;

// H has an operator() for method M.
template <typename H, typename M>
concept Handles = handler_internal::InvocationOf<H, M>::Valid();

// ... that wants to know of the call it serves.
template <typename H, typename M>
concept TakesContext = handler_internal::InvocationOf<H, M>::kWithContext;

}  // namespace rpc

#endif  // RPC_HANDLER_HANDLER_POLICY_H_
