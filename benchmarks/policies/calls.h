#ifndef BENCHMARKS_POLICIES_CALLS_H_
#define BENCHMARKS_POLICIES_CALLS_H_

#include <benchmark/benchmark.h>

#include <cstdint>
#include <tuple>

#include "absl/status/status.h"
#include "benchmarks/meter/allocation_counter.h"
#include "benchmarks/policies/call_window.h"
#include "benchmarks/policies/failure.h"

namespace rpc::benchmarks {

// One call after the other. The first is not measured: it opens what a client
// opens late.
template <typename Client, typename Arguments>
void MeasureCalls(benchmark::State& state, Client& client,
                  const Arguments& arguments) {
  const auto call = [&] {
    return std::apply([&](const auto&... each) { return client.Call(each...); },
                      arguments);
  };
  const auto first = call();
  if (!first.ok()) return ReportFailure(state, first);
  {
    const AllocationCounter allocations(state);
    for (auto _ : state) {
      const auto result = call();
      if (!result.ok()) return ReportFailure(state, result);
      benchmark::DoNotOptimize(result);
    }
  }
  state.SetItemsProcessed(state.iterations());
}

// Calls with `in_flight` of them open at any time. Their number is rounded up
// to whole batches.
template <typename Client, typename Arguments>
void MeasureCallWindow(benchmark::State& state, Client& client,
                       const Arguments& arguments, std::int64_t in_flight,
                       std::int64_t batch = 20'000) {
  CallWindow window(client, arguments, in_flight);
  if (const absl::Status first = window.Run(batch); !first.ok()) {
    return ReportFailure(state, first);
  }
  {
    const AllocationCounter allocations(state);
    while (state.KeepRunningBatch(batch)) {
      const absl::Status ended = window.Run(batch);
      if (!ended.ok()) return ReportFailure(state, ended);
    }
  }
  state.SetItemsProcessed(state.iterations());
}

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_POLICIES_CALLS_H_
