#ifndef BENCHMARKS_POLICIES_BODIES_H_
#define BENCHMARKS_POLICIES_BODIES_H_

#include <benchmark/benchmark.h>

#include "absl/status/status.h"
#include "benchmarks/meter/allocation_counter.h"
#include "benchmarks/policies/failure.h"
#include "rpc/base/bytes.h"
#include "rpc/core/codec.h"

namespace rpc::benchmarks {

// False, and reported, if the serializer refuses the value.
template <typename Serializer, typename Value>
bool EncodeOrReport(benchmark::State& state, const Serializer& serializer,
                    const Value& value, Bytes& body) {
  return core::EncodeBody(
      serializer, value, body,
      [&](const absl::Status& why) { ReportFailure(state, why); });
}

// A value to its body, as an endpoint encodes it.
template <typename Serializer, typename Value>
void MeasureEncode(benchmark::State& state, const Serializer& serializer,
                   const Value& value) {
  Bytes first;
  if (!EncodeOrReport(state, serializer, value, first)) return;
  state.counters["body_bytes"] = static_cast<double>(first.size());
  const AllocationCounter allocations(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(&value);
    benchmark::ClobberMemory();
    Bytes body;
    if (!EncodeOrReport(state, serializer, value, body)) return;
    benchmark::DoNotOptimize(body);
  }
}

// The body of `value` back to a value, as an endpoint decodes it.
template <typename Serializer, typename Value>
void MeasureDecode(benchmark::State& state, const Serializer& serializer,
                   const Value& value) {
  Bytes body;
  if (!EncodeOrReport(state, serializer, value, body)) return;
  state.counters["body_bytes"] = static_cast<double>(body.size());
  const AllocationCounter allocations(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(&body);
    benchmark::ClobberMemory();
    const auto decoded = core::DecodeBody<Value>(serializer, body.view());
    if (!decoded.ok()) return ReportFailure(state, decoded.status());
    benchmark::DoNotOptimize(decoded);
  }
}

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_POLICIES_BODIES_H_
