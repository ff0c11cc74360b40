#ifndef RPC_HANDLER_SERVICE_H_
#define RPC_HANDLER_SERVICE_H_

#include <array>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "rpc/handler/handler_policy.h"
#include "rpc/message/method.h"

namespace rpc {

namespace service_internal {

template <typename... Lists>
struct Concatenated;
template <typename... Ms>
struct Concatenated<TypeList<Ms...>> {
  using List = TypeList<Ms...>;
};
template <typename... As, typename... Bs, typename... Rest>
struct Concatenated<TypeList<As...>, TypeList<Bs...>, Rest...>
    : Concatenated<TypeList<As..., Bs...>, Rest...> {};

template <typename... Ms>
constexpr bool NamesDiffer(TypeList<Ms...>) {
  const std::array<std::string_view, sizeof...(Ms)> names = {Ms::kName...};
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (names[i] == names[j]) return false;
    }
  }
  return true;
}

template <typename M, typename... Handlers>
constexpr std::size_t IndexOf() {
  constexpr bool kMatches[] = {
      std::is_same_v<MethodsOf<Handlers>, TypeList<M>>...};
  std::size_t index = 0;
  while (index < sizeof...(Handlers) && !kMatches[index]) ++index;
  return index;
}

}  // namespace service_internal

// Several handlers on one endpoint, called by method:
//
//   using Calculator = Service<Add, Multiply>;
//   const auto five = client.Stub<"add">().Call(2, 3);
//
// Service<Method<...>, Method<...>> is the client's half. The methods' names
// must differ. Owns its handlers; thread-safe as they are.
template <typename... Handlers>
class Service {
  static_assert(sizeof...(Handlers) > 0,
                "Service: name at least one handler; see "
                "rpc/handler/service.h.");
  static_assert(((MethodsOf<Handlers>::kSize == 1) && ...),
                "Service: each handler must name one method, `using Method = "
                "rpc::Method<\"name\", Result(Args...)>;`; see "
                "rpc/handler/handler_policy.h.");

 public:
  using Methods =
      typename service_internal::Concatenated<TypeList<>,
                                              MethodsOf<Handlers>...>::List;

  static_assert(service_internal::NamesDiffer(Methods()),
                "Service: two handlers have a method of the same name, and a "
                "request could be for either; give each method a name of its "
                "own; see rpc/handler/service.h.");

  constexpr Service() = default;
  constexpr explicit Service(Handlers... handlers) requires(
      sizeof...(Handlers) > 0)
      : handlers_(std::move(handlers)...) {}

  // The handler of method M, which must be one of Methods.
  template <typename M>
  constexpr const auto& HandlerOf() const {
    constexpr std::size_t kIndex = service_internal::IndexOf<M, Handlers...>();
    constexpr bool kFound = kIndex < sizeof...(Handlers);
    static_assert(kFound,
                  "Service: no handler has this method; see "
                  "rpc/handler/service.h.");
    return std::get < kFound ? kIndex : 0 > (handlers_);
  }

 private:
  [[no_unique_address]] std::tuple<Handlers...> handlers_;
};

}  // namespace rpc

#endif  // RPC_HANDLER_SERVICE_H_
