#ifndef RPC_TESTS_CORE_HANDLING_H_
#define RPC_TESTS_CORE_HANDLING_H_

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include "rpc/message/method.h"
#include "tests/core/list_serializer.h"

namespace rpc::testing {

using Double = Method<"double", std::int64_t(std::int64_t)>;
using Echo = Method<"echo", std::string(std::string)>;
using Add = Method<"add", std::int64_t(std::int64_t, std::int64_t)>;
using Ping = Method<"ping", void()>;
using Grow = Method<"grow", Heavy(Heavy)>;

// A handler of method M that calls a function, which may take a context.
template <typename M, typename Function>
class Handling {
 public:
  using Method = M;

  explicit Handling(Function function) : function_(std::move(function)) {}

  template <typename... Args>
  requires std::is_invocable_v<const Function&, Args...>
  auto operator()(Args&&... arguments) const {
    return function_(std::forward<Args>(arguments)...);
  }

 private:
  Function function_;
};

// `Handle<Echo>([](std::string text) { return text; })`
template <typename M, typename Function>
Handling<M, Function> Handle(Function function) {
  return Handling<M, Function>(std::move(function));
}

inline auto Doubling() {
  return Handle<Double>([](std::int64_t n) { return 2 * n; });
}

}  // namespace rpc::testing

#endif  // RPC_TESTS_CORE_HANDLING_H_
