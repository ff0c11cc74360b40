// DecimalSerializer beside the standard library's own conversions.

#include <benchmark/benchmark.h>

#include <charconv>
#include <cstdint>
#include <string_view>

#include "benchmarks/meter/allocation_counter.h"
#include "rpc/base/bytes.h"
#include "rpc/serializer/decimal_serializer.h"

namespace rpc::benchmarks {
namespace {

constexpr std::uint64_t kNumber = 2880067194370816120;
constexpr std::string_view kText = "2880067194370816120";

void EncodeRpc(benchmark::State& state) {
  const AllocationCounter allocations(state);
  const DecimalSerializer serializer;
  std::uint64_t number = kNumber;
  for (auto _ : state) {
    benchmark::DoNotOptimize(number);
    FixedBytes<32> body;
    serializer.Encode(number, body);
    benchmark::DoNotOptimize(body);
  }
}
BENCHMARK(EncodeRpc)->Name("encode/rpc");

void EncodeBare(benchmark::State& state) {
  const AllocationCounter allocations(state);
  std::uint64_t number = kNumber;
  for (auto _ : state) {
    benchmark::DoNotOptimize(number);
    char digits[32];
    benchmark::DoNotOptimize(
        std::to_chars(digits, digits + sizeof(digits), number));
    benchmark::DoNotOptimize(digits);
  }
}
BENCHMARK(EncodeBare)->Name("encode/bare");

void DecodeRpc(benchmark::State& state) {
  const AllocationCounter allocations(state);
  const DecimalSerializer serializer;
  std::string_view text = kText;
  for (auto _ : state) {
    benchmark::DoNotOptimize(text);
    benchmark::DoNotOptimize(*serializer.Decode<std::uint64_t>(text));
  }
}
BENCHMARK(DecodeRpc)->Name("decode/rpc");

void DecodeBare(benchmark::State& state) {
  const AllocationCounter allocations(state);
  std::string_view text = kText;
  for (auto _ : state) {
    benchmark::DoNotOptimize(text);
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    benchmark::DoNotOptimize(number);
  }
}
BENCHMARK(DecodeBare)->Name("decode/bare");

}  // namespace
}  // namespace rpc::benchmarks
