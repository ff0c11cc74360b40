#ifndef RPC_TRANSPORT_MEMORY_CALLER_H_
#define RPC_TRANSPORT_MEMORY_CALLER_H_

#include <atomic>
#include <utility>

#include "rpc/base/bytes.h"
#include "rpc/base/deadline.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/memory_event_gate.h"
#include "rpc/transport/memory_event_scope.h"
#include "rpc/transport/transport_policy.h"

namespace rpc {

// The calling half of a transport as its broker knows it: an exclusive reply
// queue and the time at which it wants to be woken.
class MemoryCaller {
 public:
  explicit MemoryCaller(CallEvents* events) : events_(events) {}

  CallEvents& events() { return *events_; }
  MemoryEventGate& gate() { return gate_; }

  // Set by MemoryReplies when the reply queue is made.
  const ShortText& reply_to() const { return reply_to_; }
  void set_reply_to(ShortText name) { reply_to_ = std::move(name); }

  // Tells the reply and leaves the gate, which was entered.
  void Take(Reply&& reply) {
    MemoryEventScope scope;
    if (scope.must_defer()) {
      scope.Defer([this, reply = std::move(reply)]() mutable {
        Tell(std::move(reply));
      });
    } else {
      Tell(std::move(reply));
    }
  }

  // True if it is to be woken by `at` already. A read-modify-write, so that
  // either MemoryTimer's TakeWakeUp() comes later and then sees all that this
  // thread did before, or this call sees it and answers false.
  bool WakesBy(TimePoint at) {
    return wake_at_.fetch_add(0, std::memory_order_acq_rel) <=
           at.time_since_epoch().count();
  }
  // Under MemoryTimer's lock.
  TimePoint wake_at() const {
    return TimePoint(Clock::duration(wake_at_.load(std::memory_order_relaxed)));
  }
  void WakeBy(TimePoint at) {
    if (at < wake_at()) {
      wake_at_.store(at.time_since_epoch().count(), std::memory_order_release);
    }
  }
  void TakeWakeUp() {
    wake_at_.exchange(kNever.time_since_epoch().count(),
                      std::memory_order_acq_rel);
  }

 private:
  void Tell(Reply&& reply) {
    events_->OnReply(std::move(reply));
    gate_.Leave();
  }

  CallEvents* const events_;
  ShortText reply_to_;
  MemoryEventGate gate_;
  std::atomic<Clock::rep> wake_at_ = kNever.time_since_epoch().count();
};

}  // namespace rpc

#endif  // RPC_TRANSPORT_MEMORY_CALLER_H_
