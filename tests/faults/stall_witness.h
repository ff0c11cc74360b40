#ifndef RPC_TESTS_FAULTS_STALL_WITNESS_H_
#define RPC_TESTS_FAULTS_STALL_WITNESS_H_

#include <array>
#include <atomic>
#include <chrono>
#include <stop_token>
#include <thread>

#include "absl/time/time.h"
#include "rpc/base/deadline.h"
#include "tests/faults/raise_to.h"

namespace rpc::testing {

// Threads that want to wake every few milliseconds and do nothing else: how
// late the latest of them is, is what a busy machine adds to the time of a
// thread. There are several because the threads that wait for one processor may
// wait for long while another has nothing to do. Thread-safe.
class StallWitness {
 public:
  StallWitness() {
    for (std::jthread& thread : threads_) {
      thread = std::jthread([this](const std::stop_token& stop) { Run(stop); });
    }
  }
  StallWitness(const StallWitness&) = delete;
  StallWitness& operator=(const StallWitness&) = delete;

  // The longest that one of them was late since its construction, or Restart().
  absl::Duration longest() const { return absl::FromChrono(longest_.load()); }
  void Restart() { longest_ = Clock::duration::zero(); }

  // What the machine may have added to a call meanwhile: its end goes through
  // two threads, the connection's and that of the callbacks, and each may have
  // been as late as these were.
  absl::Duration added() const { return 2 * longest(); }

 private:
  void Run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const TimePoint due = Clock::now() + kPeriod;
      std::this_thread::sleep_until(due);
      RaiseTo(&longest_, Clock::now() - due);
    }
  }

  static constexpr std::chrono::milliseconds kPeriod{5};

  std::atomic<Clock::duration> longest_{Clock::duration::zero()};
  std::array<std::jthread, 8> threads_;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_FAULTS_STALL_WITNESS_H_
