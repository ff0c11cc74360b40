#ifndef BENCHMARKS_METER_PROCESS_COST_H_
#define BENCHMARKS_METER_PROCESS_COST_H_

#include <cstdint>

namespace rpc::benchmarks {

// What the calling process has spent since it started. Linking this target
// replaces the global operator new by one that counts.
struct ProcessCost {
  double cpu_micros = 0;          // user and system, all threads
  std::uint64_t allocations = 0;  // calls of operator new, all threads

  static ProcessCost Now();
};

inline ProcessCost operator-(ProcessCost a, const ProcessCost& b) {
  a.cpu_micros -= b.cpu_micros;
  a.allocations -= b.allocations;
  return a;
}

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_METER_PROCESS_COST_H_
