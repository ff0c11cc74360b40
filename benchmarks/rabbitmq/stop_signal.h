#ifndef BENCHMARKS_RABBITMQ_STOP_SIGNAL_H_
#define BENCHMARKS_RABBITMQ_STOP_SIGNAL_H_

#include <csignal>
#include <cstdint>
#include <cstdio>

#include "benchmarks/meter/process_cost.h"
#include "benchmarks/rabbitmq/flags.h"

namespace rpc::benchmarks {

// Notes SIGTERM, which ends a server, instead of dying of it. A wait that it
// interrupts returns early; one that begins just after it must be a short one.
class StopSignal {
 public:
  StopSignal() {
    struct sigaction action = {};
    action.sa_handler = [](int) { requested_ = 1; };
    ::sigaction(SIGTERM, &action, nullptr);
  }

  bool Requested() const { return requested_ != 0; }

 private:
  static inline volatile std::sig_atomic_t requested_ = 0;
};

// The two lines of a server: ready to serve, and what serving has cost.
inline void PrintServing(const Flags& flags) {
  std::printf("serving %s\n", flags.queue.c_str());
  std::fflush(stdout);
}
inline void PrintServed(const Flags& flags, std::uint64_t calls) {
  const ProcessCost cost = ProcessCost::Now();
  std::printf(
      "{\"contender\": \"%s\", \"calls\": %llu, \"cpu_us\": %.0f, "
      "\"allocations\": %llu}\n",
      flags.contender.c_str(), static_cast<unsigned long long>(calls),
      cost.cpu_micros, static_cast<unsigned long long>(cost.allocations));
}

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_RABBITMQ_STOP_SIGNAL_H_
