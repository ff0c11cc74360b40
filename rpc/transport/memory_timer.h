#ifndef RPC_TRANSPORT_MEMORY_TIMER_H_
#define RPC_TRANSPORT_MEMORY_TIMER_H_

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "rpc/base/deadline.h"
#include "rpc/transport/memory_caller.h"
#include "rpc/transport/memory_clock.h"
#include "rpc/transport/memory_event_scope.h"

namespace rpc {

// Wakes the callers of one broker in time: by a thread of its own, started when
// it is first needed and woken only for a time earlier than that for which it
// sleeps; or, on a manual clock, by Advance(). Thread-safe.
class MemoryTimer {
 public:
  explicit MemoryTimer(MemoryClock* clock) : clock_(clock) {}
  MemoryTimer(const MemoryTimer&) = delete;
  MemoryTimer& operator=(const MemoryTimer&) = delete;
  ~MemoryTimer() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
      changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
  }

  void Add(MemoryCaller* caller) {
    const std::lock_guard lock(mutex_);
    callers_.push_back(caller);
  }

  // `caller` is woken no more, unless its gate has been entered by now.
  void Remove(MemoryCaller* caller) {
    const std::lock_guard lock(mutex_);
    callers_.erase(std::remove(callers_.begin(), callers_.end(), caller),
                   callers_.end());
  }

  // `caller` is woken at `at` or before.
  void WakeBy(MemoryCaller& caller, TimePoint at) {
    if (caller.WakesBy(at)) return;
    const std::lock_guard lock(mutex_);
    caller.WakeBy(at);
    if (clock_->is_manual()) return;
    if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
    if (at < sleeps_until_) changed_.notify_all();
  }

  // When somebody is to be woken next; kNever: nobody.
  TimePoint wakes_at() {
    const std::lock_guard lock(mutex_);
    return NextWakeUp();
  }

  // Sets a manual clock to `to`, stopping at each time at which someone is to
  // be woken, and wakes them on this thread. Not by two threads at once.
  void Advance(TimePoint to) {
    std::unique_lock lock(mutex_);
    for (TimePoint next; (next = NextWakeUp()) <= to && next < kNever;) {
      clock_->Set(std::max(next, clock_->Now()));
      WakeDue(lock);
    }
    clock_->Set(std::max(to, clock_->Now()));
  }

 private:
  void Run() {
    std::unique_lock lock(mutex_);
    while (!stopped_) {
      sleeps_until_ = NextWakeUp();
      if (clock_->Now() < sleeps_until_) {
        changed_.wait_until(lock, sleeps_until_);
      } else {
        WakeDue(lock);
      }
    }
  }

  TimePoint NextWakeUp() const {
    TimePoint next = kNever;
    for (const MemoryCaller* caller : callers_) {
      next = std::min(next, caller->wake_at());
    }
    return next;
  }

  void WakeDue(std::unique_lock<std::mutex>& lock) {
    const TimePoint now = clock_->Now();
    due_.clear();
    for (MemoryCaller* caller : callers_) {
      if (caller->wake_at() > now) continue;
      caller->gate().Enter();
      due_.push_back(caller);
    }
    for (MemoryCaller* caller : due_) {
      caller->TakeWakeUp();
      lock.unlock();
      TimePoint next;
      {
        MemoryEventScope scope;
        next = caller->events().OnTime(now);
      }
      lock.lock();
      caller->WakeBy(std::max(next, now + kShortestSleep));
      caller->gate().Leave();
    }
  }

  // Whoever asks to be woken at once, again and again, does not spin.
  static constexpr Clock::duration kShortestSleep =
      std::chrono::milliseconds(1);

  MemoryClock* const clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<MemoryCaller*> callers_;
  std::vector<MemoryCaller*> due_;
  TimePoint sleeps_until_ = kNever;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace rpc

#endif  // RPC_TRANSPORT_MEMORY_TIMER_H_
