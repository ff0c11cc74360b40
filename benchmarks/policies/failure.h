#ifndef BENCHMARKS_POLICIES_FAILURE_H_
#define BENCHMARKS_POLICIES_FAILURE_H_

#include <benchmark/benchmark.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace rpc::benchmarks {

// Makes `status` the benchmark's error: a figure with a fault in it is worth
// nothing. A loop over `state` must be left after it.
inline void ReportFailure(benchmark::State& state, const absl::Status& status) {
  state.SkipWithError(status.ToString().c_str());
}
template <typename T>
void ReportFailure(benchmark::State& state, const absl::StatusOr<T>& result) {
  ReportFailure(state, result.status());
}

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_POLICIES_FAILURE_H_
