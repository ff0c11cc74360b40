#ifndef RPC_TESTS_FAULTS_STALL_WITNESS_H_
#define RPC_TESTS_FAULTS_STALL_WITNESS_H_

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <stop_token>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "rpc/base/deadline.h"

namespace rpc::testing {

// A thread for each processor, which wants to wake there every few milliseconds
// and does nothing else: how late one of them is, is what a busy machine adds
// to the time of a thread. Each stays on its processor, since the threads that
// wait for one may wait long while another has nothing to do. Thread-safe.
class StallWitness {
 public:
  StallWitness() {
    cpu_set_t ours;
    CPU_ZERO(&ours);
    if (::sched_getaffinity(0, sizeof(ours), &ours) != 0) CPU_SET(0, &ours);
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &ours)) Begin(cpu);
    }
  }
  StallWitness(const StallWitness&) = delete;
  StallWitness& operator=(const StallWitness&) = delete;

  // The longest that one of them was late since its construction.
  absl::Duration longest() const { return absl::FromChrono(longest_.load()); }

 private:
  void Begin(std::size_t cpu) {
    threads_.emplace_back([this](const std::stop_token& stop) { Run(stop); });
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    // Where that is not allowed, it goes where the others go.
    ::pthread_setaffinity_np(threads_.back().native_handle(), sizeof(one),
                             &one);
  }

  void Run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const TimePoint due = Clock::now() + kPeriod;
      std::this_thread::sleep_until(due);
      Late(Clock::now() - due);
    }
  }

  void Late(Clock::duration by) {
    Clock::duration longest = longest_.load();
    while (by > longest && !longest_.compare_exchange_weak(longest, by)) {
    }
  }

  static constexpr std::chrono::milliseconds kPeriod{5};

  std::atomic<Clock::duration> longest_{Clock::duration::zero()};
  std::vector<std::jthread> threads_;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_FAULTS_STALL_WITNESS_H_
