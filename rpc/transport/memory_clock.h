#ifndef RPC_TRANSPORT_MEMORY_CLOCK_H_
#define RPC_TRANSPORT_MEMORY_CLOCK_H_

#include <atomic>

#include "rpc/base/deadline.h"

namespace rpc {

// Whose time a MemoryBroker lives in.
enum class MemoryTime {
  kSystem,  // the monotonic clock's
  kManual,  // it stands still until MemoryBroker::Advance()
};

// The time of one broker. Thread-safe.
class MemoryClock {
 public:
  // A manual clock starts at `start`.
  MemoryClock(MemoryTime time, TimePoint start)
      : time_(time), now_(start.time_since_epoch().count()) {}

  bool is_manual() const { return time_ == MemoryTime::kManual; }

  TimePoint Now() const {
    if (!is_manual()) return Clock::now();
    return TimePoint(Clock::duration(now_.load(std::memory_order_acquire)));
  }

  // Only if is_manual().
  void Set(TimePoint now) {
    now_.store(now.time_since_epoch().count(), std::memory_order_release);
  }

 private:
  const MemoryTime time_;
  std::atomic<Clock::rep> now_;
};

}  // namespace rpc

#endif  // RPC_TRANSPORT_MEMORY_CLOCK_H_
