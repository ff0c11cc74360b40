#ifndef BENCHMARKS_METER_ALLOCATION_COUNTER_H_
#define BENCHMARKS_METER_ALLOCATION_COUNTER_H_

#include <benchmark/benchmark.h>

#include "benchmarks/meter/process_cost.h"

namespace rpc::benchmarks {

// Reports, as the counter "allocations", what one iteration of the benchmark in
// whose scope it stands allocates, over all threads.
class AllocationCounter {
 public:
  explicit AllocationCounter(benchmark::State& state)
      : state_(state), begin_(ProcessCost::Now()) {}
  AllocationCounter(const AllocationCounter&) = delete;
  AllocationCounter& operator=(const AllocationCounter&) = delete;
  ~AllocationCounter() {
    const ProcessCost cost = ProcessCost::Now() - begin_;
    state_.counters["allocations"] =
        benchmark::Counter(static_cast<double>(cost.allocations),
                           benchmark::Counter::kAvgIterations);
  }

 private:
  benchmark::State& state_;
  const ProcessCost begin_;
};

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_METER_ALLOCATION_COUNTER_H_
