#ifndef BENCHMARKS_RABBITMQ_CALL_METER_H_
#define BENCHMARKS_RABBITMQ_CALL_METER_H_

#include <chrono>
#include <cstdint>
#include <cstdio>

#include "benchmarks/meter/latency_histogram.h"
#include "benchmarks/meter/process_cost.h"
#include "benchmarks/rabbitmq/flags.h"

namespace rpc::benchmarks {

// The measured window of a client: after `flags.warmup` finished calls it
// prints the line "measuring" and takes the time, after `flags.calls` more it
// takes the time again and prints one JSON line. The load stays full in
// between: a client starts calls until Done(), then waits for the open ones.
// Thread-compatible.
class CallMeter {
 public:
  using Clock = std::chrono::steady_clock;

  explicit CallMeter(const Flags& flags)
      : flags_(flags), last_(flags.warmup + flags.calls) {
    if (flags_.warmup == 0) Begin();
  }

  bool Done() const { return finished_ >= last_; }

  // A call started at `started` has ended with the right value.
  void Finish(Clock::time_point started) {
    if (Done()) return;
    const Clock::time_point now = Clock::now();
    if (finished_ >= flags_.warmup) latencies_.Record(now - started);
    ++finished_;
    if (finished_ == flags_.warmup) Begin();
    if (Done()) End(now);
  }

 private:
  void Begin() {
    std::puts("measuring");
    std::fflush(stdout);
    cost_at_begin_ = ProcessCost::Now();
    begin_ = Clock::now();
  }

  void End(Clock::time_point now) const {
    const ProcessCost cost = ProcessCost::Now() - cost_at_begin_;
    const double seconds = std::chrono::duration<double>(now - begin_).count();
    const double calls = static_cast<double>(flags_.calls);
    std::printf(
        "{\"contender\": \"%s\", \"calls\": %.0f, \"seconds\": %.6f, "
        "\"calls_per_s\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f, "
        "\"client_cpu_us_per_call\": %.3f, "
        "\"client_allocations_per_call\": %.3f}\n",
        flags_.contender.c_str(), calls, seconds, calls / seconds,
        latencies_.PercentileMicros(0.50), latencies_.PercentileMicros(0.99),
        cost.cpu_micros / calls, static_cast<double>(cost.allocations) / calls);
    std::fflush(stdout);
  }

  const Flags flags_;
  const std::uint64_t last_;
  std::uint64_t finished_ = 0;
  LatencyHistogram latencies_;
  ProcessCost cost_at_begin_;
  Clock::time_point begin_;
};

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_RABBITMQ_CALL_METER_H_
