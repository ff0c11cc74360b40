// A call through DirectTransport beside the functions that it is made of.

#include <benchmark/benchmark.h>

#include <cstdint>

#include "benchmarks/meter/allocation_counter.h"
#include "benchmarks/micro/direct_calls.h"

namespace rpc::benchmarks {
namespace {

template <typename Call>
void Measure(benchmark::State& state, Call call) {
  std::uint64_t n = 90;
  const AllocationCounter allocations(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(n);
    const std::uint64_t number = call(n);
    if (number == 0) state.SkipWithError("a call failed");
    benchmark::DoNotOptimize(number);
  }
}

void DirectRpc(benchmark::State& state) {
  auto endpoint = DirectEndpoint::Open();
  Measure(state, [&](std::uint64_t n) { return CallDirect(*endpoint, n); });
}
BENCHMARK(DirectRpc)->Name("direct/rpc");

void DirectBare(benchmark::State& state) { Measure(state, CallByHand); }
BENCHMARK(DirectBare)->Name("direct/bare");

}  // namespace
}  // namespace rpc::benchmarks
