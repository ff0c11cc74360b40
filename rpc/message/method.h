#ifndef RPC_MESSAGE_METHOD_H_
#define RPC_MESSAGE_METHOD_H_

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>

namespace rpc {

// A string as a template argument.
template <std::size_t kSize>
struct FixedString {
  // NOLINTNEXTLINE(google-explicit-constructor): written as a literal.
  consteval FixedString(const char (&literal)[kSize]) {
    std::copy_n(literal, kSize, text);
  }
  constexpr std::string_view view() const { return {text, kSize - 1}; }

  char text[kSize] = {};
};

// What a method without a result returns: it travels as an empty body.
struct Empty {
  friend constexpr bool operator==(Empty, Empty) { return true; }
};

// Whether a method may be run twice for one call without harm. kYes: a call
// whose handler may have run can be made again; see RetryPolicy.
enum class Idempotent { kNo, kYes };

// The name and the types of a remote procedure: what both sides have to agree
// on. As the handler of an endpoint it is the client's half: it can be called
// and not served.
//
//   using Add = rpc::Method<"add", std::int64_t(std::int64_t, std::int64_t)>;
//
// Values travel: references and const are dropped from the types. The name is
// what travels, at most 128 bytes; a C++ name is never sent.
template <FixedString kMethodName, typename Signature,
          Idempotent kMayRunTwice = Idempotent::kNo>
struct Method;

template <FixedString kMethodName, Idempotent kMayRunTwice, typename R,
          typename... Args>
struct Method<kMethodName, R(Args...), kMayRunTwice> {
  static_assert(!kMethodName.view().empty(), "Method: the name is empty.");
  static_assert(kMethodName.view().size() <= 128,
                "Method: the name is longer than 128 bytes.");

  static constexpr std::string_view kName = kMethodName.view();
  static constexpr Idempotent kIdempotent = kMayRunTwice;
  using Result =
      std::conditional_t<std::is_void_v<R>, Empty, std::remove_cvref_t<R>>;
  using Arguments = std::tuple<std::remove_cvref_t<Args>...>;
};

template <typename T>
inline constexpr bool kIsMethod = false;
template <FixedString kMethodName, typename Signature, Idempotent kMayRunTwice>
inline constexpr bool kIsMethod<Method<kMethodName, Signature, kMayRunTwice>> =
    true;

// A compile-time list, of methods or of what implements them.
template <typename... Ts>
struct TypeList {
  static constexpr std::size_t kSize = sizeof...(Ts);
};

}  // namespace rpc

#endif  // RPC_MESSAGE_METHOD_H_
