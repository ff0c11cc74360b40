// A memoized result beside what remembering costs at least; and big Fibonacci
// numbers beside GMP's own.

#include <benchmark/benchmark.h>
#include <gmpxx.h>

#include <cstdint>
#include <mutex>

#include "absl/container/flat_hash_map.h"
#include "benchmarks/meter/allocation_counter.h"
#include "rpc/handler/fibonacci.h"
#include "rpc/handler/memoized.h"
#include "rpc/serializer/gmp_integer.h"

namespace rpc::benchmarks {
namespace {

constexpr std::uint64_t kN = 90;

void MemoizedRpc(benchmark::State& state) {
  const Memoized<Fibonacci<std::uint64_t>> handler;
  std::uint64_t n = kN;
  benchmark::DoNotOptimize(*handler(n));
  const AllocationCounter allocations(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(n);
    benchmark::DoNotOptimize(*handler(n));
  }
}
BENCHMARK(MemoizedRpc)->Name("memoized/rpc");

void MemoizedBare(benchmark::State& state) {
  std::mutex mutex;
  absl::flat_hash_map<std::uint64_t, std::uint64_t> results;
  std::uint64_t n = kN;
  results[n] = *Fibonacci<std::uint64_t>()(n);
  const AllocationCounter allocations(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(n);
    const std::lock_guard<std::mutex> lock(mutex);
    benchmark::DoNotOptimize(results.find(n)->second);
  }
}
BENCHMARK(MemoizedBare)->Name("memoized/bare");

void BigRpc(benchmark::State& state) {
  const Fibonacci<mpz_class> handler;
  std::uint64_t n = 100'000;
  for (auto _ : state) {
    benchmark::DoNotOptimize(n);
    benchmark::DoNotOptimize(handler(n));
  }
}
BENCHMARK(BigRpc)->Name("big/rpc");

void BigGmp(benchmark::State& state) {
  std::uint64_t n = 100'000;
  for (auto _ : state) {
    benchmark::DoNotOptimize(n);
    mpz_class number;
    mpz_fib_ui(number.get_mpz_t(), n);
    benchmark::DoNotOptimize(number);
  }
}
BENCHMARK(BigGmp)->Name("big/gmp");

}  // namespace
}  // namespace rpc::benchmarks
