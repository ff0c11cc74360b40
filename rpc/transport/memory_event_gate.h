#ifndef RPC_TRANSPORT_MEMORY_EVENT_GATE_H_
#define RPC_TRANSPORT_MEMORY_EVENT_GATE_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "rpc/base/deadline.h"

namespace rpc {

// Counts the events that are being told to one receiver, so that it can be
// taken away without an event reaching it afterwards. Thread-safe.
//
// Whoever takes a receiver away first makes it unfindable, under the lock under
// which others find and Enter() it, and then closes the gate.
class MemoryEventGate {
 public:
  MemoryEventGate() = default;
  MemoryEventGate(const MemoryEventGate&) = delete;
  MemoryEventGate& operator=(const MemoryEventGate&) = delete;

  void Enter() { state_.fetch_add(kOne, std::memory_order_relaxed); }

  void Leave() {
    // Unless this was the last event before a close, the gate may be gone as
    // soon as the count is down.
    if (state_.fetch_sub(kOne, std::memory_order_acq_rel) != kOne + kClosed) {
      return;
    }
    const std::lock_guard lock(mutex_);
    empty_ = true;
    became_empty_.notify_all();
  }

  // Waits until each event that entered has left; false if that takes longer
  // than `deadline`. Must not be called from within one of them. May be called
  // again; not by two threads at once.
  bool Close(Deadline deadline = Deadline()) {
    const std::uint64_t before =
        state_.fetch_or(kClosed, std::memory_order_acq_rel);
    std::unique_lock lock(mutex_);
    if (before == 0) empty_ = true;
    return became_empty_.wait_until(lock, deadline.at(),
                                    [&] { return empty_; });
  }

  // After a Close() that returned true.
  void Reopen() {
    const std::lock_guard lock(mutex_);
    empty_ = false;
    state_.store(0, std::memory_order_release);
  }

 private:
  static constexpr std::uint64_t kClosed = 1;
  static constexpr std::uint64_t kOne = 2;

  std::atomic<std::uint64_t> state_ = 0;
  std::mutex mutex_;
  std::condition_variable became_empty_;
  bool empty_ = false;
};

}  // namespace rpc

#endif  // RPC_TRANSPORT_MEMORY_EVENT_GATE_H_
