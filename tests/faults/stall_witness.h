#ifndef RPC_TESTS_FAULTS_STALL_WITNESS_H_
#define RPC_TESTS_FAULTS_STALL_WITNESS_H_

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stop_token>
#include <thread>

#include "absl/time/time.h"
#include "rpc/base/deadline.h"

namespace rpc::testing {

// A thread that wants to wake every few milliseconds and does nothing else: how
// late it is, is what a busy machine adds to everybody's time. Thread-safe.
class StallWitness {
 public:
  // The longest that it was late since its construction.
  absl::Duration longest() const { return absl::FromChrono(longest_.load()); }

 private:
  void Run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const TimePoint due = Clock::now() + kPeriod;
      std::this_thread::sleep_until(due);
      longest_ = std::max(longest_.load(), Clock::now() - due);
    }
  }

  static constexpr std::chrono::milliseconds kPeriod{5};

  std::atomic<Clock::duration> longest_{Clock::duration::zero()};
  std::jthread thread_{[this](const std::stop_token& stop) { Run(stop); }};
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_FAULTS_STALL_WITNESS_H_
