#ifndef BENCHMARKS_POLICIES_REGISTER_SERIALIZER_H_
#define BENCHMARKS_POLICIES_REGISTER_SERIALIZER_H_

#include <benchmark/benchmark.h>

#include <functional>
#include <string>
#include <utility>

#include "benchmarks/policies/bodies.h"
#include "benchmarks/policies/echo.h"
#include "benchmarks/policies/register_served.h"

namespace rpc::benchmarks {

// Registers NAME/encode and NAME/decode of `value`, and NAME/direct and
// NAME/memory: calls that carry it there and back. Not thread-safe, like
// google-benchmark's own registration.
template <typename Serializer, typename Value>
void RegisterSerializer(const std::string& name, Value value,
                        const Serializer& serializer = {}) {
  benchmark::RegisterBenchmark((name + "/encode").c_str(),
                               [=](benchmark::State& state) {
                                 MeasureEncode(state, serializer, value);
                               });
  benchmark::RegisterBenchmark((name + "/decode").c_str(),
                               [=](benchmark::State& state) {
                                 MeasureDecode(state, serializer, value);
                               });
  RegisterCallsInProcess<Serializer, Echo<Value>>(
      name, {std::move(value)}, [] { return Echo<Value>(); }, serializer);
}

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_POLICIES_REGISTER_SERIALIZER_H_
