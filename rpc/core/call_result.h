#ifndef RPC_CORE_CALL_RESULT_H_
#define RPC_CORE_CALL_RESULT_H_

#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc/base/status.h"
#include "rpc/core/codec.h"
#include "rpc/message/envelope.h"
#include "rpc/message/method.h"

namespace rpc {

// What a call of method M ends with.
template <typename M>
using CallResult =
    std::conditional_t<std::is_same_v<typename M::Result, Empty>, absl::Status,
                       absl::StatusOr<typename M::Result>>;

// Who is told the result of an asynchronous call.
template <typename M>
using Callback = absl::AnyInvocable<void(CallResult<M>) &&>;

namespace core {

// INTERNAL if the body of a reply is no Result.
template <typename M, typename Serializer>
CallResult<M> DecodeResult(const Serializer& serializer,
                           std::string_view body) {
  auto result = DecodeBody<typename M::Result>(serializer, body);
  if (!result.ok()) {
    return Annotate(absl::InternalError(result.status().message()),
                    "the reply is no result");
  }
  if constexpr (std::is_same_v<typename M::Result, Empty>) {
    return absl::OkStatus();
  } else {
    return *std::move(result);
  }
}

}  // namespace core
}  // namespace rpc

#endif  // RPC_CORE_CALL_RESULT_H_
