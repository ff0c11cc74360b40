#ifndef BENCHMARKS_POLICIES_REGISTER_HANDLER_H_
#define BENCHMARKS_POLICIES_REGISTER_HANDLER_H_

#include <benchmark/benchmark.h>

#include <functional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "benchmarks/meter/allocation_counter.h"
#include "benchmarks/policies/bodies.h"
#include "benchmarks/policies/failure.h"
#include "benchmarks/policies/register_served.h"
#include "rpc/core/codec.h"
#include "rpc/message/server_context.h"
#include "rpc/serializer/decimal_serializer.h"

namespace rpc::benchmarks {

// The argument list as one body's value.
template <typename M>
core::ArgumentBody<M> PackArguments(const typename M::Arguments& arguments) {
  if constexpr (std::is_same_v<core::ArgumentBody<M>, typename M::Arguments>) {
    return arguments;
  } else {
    return std::make_from_tuple<core::ArgumentBody<M>>(arguments);
  }
}

// The handler alone: no serializer, no endpoint.
template <typename Handler>
void MeasureHandler(benchmark::State& state, const Handler& handler,
                    const typename Handler::Method::Arguments& arguments) {
  using M = typename Handler::Method;
  const ServerContext context;
  const AllocationCounter allocations(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(&arguments);
    benchmark::ClobberMemory();
    const auto result =
        core::Invoke<M>(handler, &context, PackArguments<M>(arguments));
    if (!result.ok()) return ReportFailure(state, result.status());
    benchmark::DoNotOptimize(result);
  }
}

// Registers NAME/handle, the handler alone; NAME/encode and NAME/decode of
// `arguments`; and NAME/direct and NAME/memory, calls with them. `make` makes a
// handler for each run, one that does not refuse the arguments, nor the same
// ones again. Not thread-safe, like google-benchmark's own registration.
template <typename Handler, typename Serializer = DecimalSerializer>
void RegisterHandler(
    const std::string& name, typename Handler::Method::Arguments arguments,
    std::function<Handler()> make = [] { return Handler(); },
    const Serializer& serializer = {}) {
  benchmark::RegisterBenchmark((name + "/handle").c_str(),
                               [=](benchmark::State& state) {
                                 MeasureHandler(state, make(), arguments);
                               });
  const auto body = PackArguments<typename Handler::Method>(arguments);
  benchmark::RegisterBenchmark(
      (name + "/encode").c_str(),
      [=](benchmark::State& state) { MeasureEncode(state, serializer, body); });
  benchmark::RegisterBenchmark(
      (name + "/decode").c_str(),
      [=](benchmark::State& state) { MeasureDecode(state, serializer, body); });
  RegisterCallsInProcess<Serializer, Handler>(name, std::move(arguments),
                                              std::move(make), serializer);
}

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_POLICIES_REGISTER_HANDLER_H_
