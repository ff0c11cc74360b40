#ifndef BENCHMARKS_MICRO_DIRECT_CALLS_H_
#define BENCHMARKS_MICRO_DIRECT_CALLS_H_

#include <cstdint>

#include "rpc/base/bytes.h"
#include "rpc/core/codec.h"
#include "rpc/endpoint.h"
#include "rpc/handler/fibonacci.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/transport/direct_transport.h"

namespace rpc::benchmarks {

using DirectEndpoint =
    RpcEndpoint<DirectTransport, DecimalSerializer, Fibonacci<std::uint64_t>>;

// The compiler can make the very call.
static_assert(RoundTrip<DecimalSerializer, Fibonacci<std::uint64_t>>(90) ==
              2880067194370816120);

// The n-th Fibonacci number, by a call and by the functions that it is made of.
// 0, which is not asked for, stands for a failure.
inline std::uint64_t CallDirect(DirectEndpoint& endpoint, std::uint64_t n) {
  const auto number = endpoint.Call(n);
  return number.ok() ? *number : 0;
}

inline std::uint64_t CallByHand(std::uint64_t n) {
  const DecimalSerializer serializer;
  const Fibonacci<std::uint64_t> fibonacci;
  Bytes request;
  serializer.Encode(n, request);
  const auto argument = serializer.Decode<std::uint64_t>(request.view());
  if (!argument.ok()) return 0;
  const auto number = fibonacci(*argument);
  if (!number.ok()) return 0;
  Bytes reply;
  serializer.Encode(*number, reply);
  const auto result = serializer.Decode<std::uint64_t>(reply.view());
  return result.ok() ? *result : 0;
}

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_MICRO_DIRECT_CALLS_H_
