// A call through DirectTransport beside the functions that it is made of.

#include <benchmark/benchmark.h>

#include <cstdint>

#include "benchmarks/meter/allocation_counter.h"
#include "rpc/base/bytes.h"
#include "rpc/core/codec.h"
#include "rpc/endpoint.h"
#include "rpc/handler/fibonacci.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/transport/direct_transport.h"

namespace rpc::benchmarks {
namespace {

static_assert(RoundTrip<DecimalSerializer, Fibonacci<std::uint64_t>>(90) ==
              2880067194370816120);

void DirectRpc(benchmark::State& state) {
  auto endpoint = RpcEndpoint<DirectTransport, DecimalSerializer,
                              Fibonacci<std::uint64_t>>::Open();
  std::uint64_t n = 90;
  const AllocationCounter allocations(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(n);
    benchmark::DoNotOptimize(*endpoint->Call(n));
  }
}
BENCHMARK(DirectRpc)->Name("direct/rpc");

void DirectBare(benchmark::State& state) {
  const DecimalSerializer serializer;
  const Fibonacci<std::uint64_t> fibonacci;
  std::uint64_t n = 90;
  const AllocationCounter allocations(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(n);
    Bytes request;
    serializer.Encode(n, request);
    const auto argument = serializer.Decode<std::uint64_t>(request.view());
    if (!argument.ok()) state.SkipWithError("the request does not decode");
    const auto number = fibonacci(*argument);
    if (!number.ok()) state.SkipWithError("the handler refused");
    Bytes reply;
    serializer.Encode(*number, reply);
    const auto result = serializer.Decode<std::uint64_t>(reply.view());
    if (!result.ok()) state.SkipWithError("the reply does not decode");
    benchmark::DoNotOptimize(*result);
  }
}
BENCHMARK(DirectBare)->Name("direct/bare");

}  // namespace
}  // namespace rpc::benchmarks
