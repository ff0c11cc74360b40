#ifndef RPC_CORE_CODEC_H_
#define RPC_CORE_CODEC_H_

#include <functional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc/base/bytes.h"
#include "rpc/base/outcome.h"
#include "rpc/handler/handler_policy.h"
#include "rpc/message/method.h"
#include "rpc/message/server_context.h"

// The typed half of the road: values to bodies, a handler's call, and back.
// Everything here is constexpr where the policies are, and is what runs in
// production: see RoundTrip at the end.
namespace rpc::core {

// What travels for an argument list: nothing, the bare argument, or a tuple.
template <typename Arguments>
struct BodyOf {
  using Type = Arguments;
};
template <>
struct BodyOf<std::tuple<>> {
  using Type = Empty;
};
template <typename T>
struct BodyOf<std::tuple<T>> {
  using Type = T;
};
template <typename M>
using ArgumentBody = typename BodyOf<typename M::Arguments>::Type;

// Where on the road a call failed.
enum class Stage { kDecodeArguments, kHandle, kEncodeResult };

// absl::Status is no literal type: what has to name one stands outside of the
// constexpr functions.
template <typename Fail>
bool Passed(const absl::Status& status, Fail&& fail) {
  if (!status.ok()) fail(status);
  return status.ok();
}
inline absl::StatusOr<Empty> WithEmpty(const absl::Status& status) {
  if (!status.ok()) return status;
  return Empty();
}

// False, and `fail(status)` called, if the serializer refused.
template <typename Serializer, typename T, ByteSink Sink, typename Fail>
constexpr bool EncodeBody(const Serializer& serializer, const T& value,
                          Sink& body, Fail&& fail) {
  if constexpr (std::is_same_v<T, Empty>) {
    return true;
  } else if constexpr (std::is_void_v<decltype(serializer.Encode(value,
                                                                 body))>) {
    serializer.Encode(value, body);
    return true;
  } else {
    return Passed(serializer.Encode(value, body), fail);
  }
}

template <typename T, typename Serializer>
constexpr auto DecodeBody(const Serializer& serializer, std::string_view body) {
  if constexpr (std::is_same_v<T, Empty>) {
    if (body.empty()) return Outcome<T>(T());
    return Outcome<T>(Refusal(absl::StatusCode::kInvalidArgument,
                              "a body where none was expected"));
  } else {
    return serializer.template Decode<T>(body);
  }
}

// Calls `invoke()` and makes one shape of what a handler may return.
template <typename Result, typename Invoke>
constexpr auto Normalise(Invoke&& invoke) {
  using Returned = std::invoke_result_t<Invoke>;
  if constexpr (std::is_void_v<Returned>) {
    invoke();
    return Outcome<Empty>(Empty());
  } else if constexpr (std::is_same_v<Returned, absl::Status>) {
    return WithEmpty(invoke());
  } else if constexpr (kIsOutcomeOf<Returned, Result>) {
    return invoke();
  } else {
    return Outcome<Result>(invoke());
  }
}

// Calls the handler with the arguments as they were decoded, and with `context`
// where the handler takes one.
template <typename M, typename Handler>
constexpr auto Invoke(const Handler& handler, const ServerContext* context,
                      ArgumentBody<M> arguments) {
  const auto apply = [&](auto&&... values) {
    return Normalise<typename M::Result>([&]() -> decltype(auto) {
      if constexpr (TakesContext<Handler, M>) {
        return handler(*context, std::move(values)...);
      } else {
        return handler(std::move(values)...);
      }
    });
  };
  constexpr std::size_t kArity = std::tuple_size_v<typename M::Arguments>;
  if constexpr (kArity == 0) {
    return apply();
  } else if constexpr (kArity == 1) {
    return apply(std::move(arguments));
  } else {
    return std::apply(apply, std::move(arguments));
  }
}

// Decodes, handles and encodes. False, and `fail(stage, status)` called with a
// status or an outcome that has one, if a stage failed.
template <typename M, typename Serializer, typename Handler, ByteSink Sink,
          typename Fail>
constexpr bool HandleBody(const Serializer& serializer, const Handler& handler,
                          const ServerContext* context, std::string_view body,
                          Sink& result_body, Fail&& fail) {
  auto arguments = DecodeBody<ArgumentBody<M>>(serializer, body);
  if (!arguments.ok()) {
    fail(Stage::kDecodeArguments, arguments);
    return false;
  }
  auto result = Invoke<M>(handler, context, *std::move(arguments));
  if (!result.ok()) {
    fail(Stage::kHandle, result);
    return false;
  }
  return EncodeBody(
      serializer, *result, result_body,
      [&](const absl::Status& status) { fail(Stage::kEncodeResult, status); });
}

}  // namespace rpc::core

namespace rpc {

// A whole call run by the compiler, through the functions that run in
// production: encode, decode, handle, encode, decode. A call that fails is no
// constant expression. Bodies have to fit into 256 bytes.
//
//   static_assert(RoundTrip<DecimalSerializer, Fibonacci<std::uint64_t>>(90) ==
//                 2880067194370816120);
template <typename Serializer, typename Handler>
constexpr auto RoundTrip(
    core::ArgumentBody<typename Handler::Method> arguments) {
  using Method = typename Handler::Method;
  const Serializer serializer = {};
  const Handler handler = {};
  const auto fail = [](auto&&...) {};
  FixedBytes<256> request;
  FixedBytes<256> reply;
  core::EncodeBody(serializer, arguments, request, fail);
  core::HandleBody<Method>(serializer, handler, nullptr, request.view(), reply,
                           fail);
  return *core::DecodeBody<typename Method::Result>(serializer, reply.view());
}

}  // namespace rpc

#endif  // RPC_CORE_CODEC_H_
