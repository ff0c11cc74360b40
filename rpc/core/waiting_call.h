#ifndef RPC_CORE_WAITING_CALL_H_
#define RPC_CORE_WAITING_CALL_H_

#include <atomic>
#include <cstddef>
#include <utility>

#include "rpc/base/event.h"
#include "rpc/core/pending_calls.h"
#include "rpc/message/envelope.h"

namespace rpc::core {

// What one thread waits for: as many calls as it says. Lives on its stack.
class Waiting {
 public:
  explicit Waiting(std::size_t calls) : left_(calls), done_(calls == 0) {
    if (calls == 0) event_.Set();
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  // Each call counts once, whoever completes it.
  void CountDown() {
    if (left_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    done_.store(true, std::memory_order_release);
    // The waiting thread, and this, may be gone when it returns.
    event_.Set();
  }

  void Wait() { event_.Wait(); }
  const std::atomic<bool>& done() const { return done_; }

 private:
  std::atomic<std::size_t> left_;
  std::atomic<bool> done_;
  Event event_;
};

// A call that a thread waits for, alone or among others.
class WaitedCall final : public PendingCall {
 public:
  explicit WaitedCall(Waiting* waiting) : waiting_(waiting) {}

  void Complete(Reply&& reply) override {
    reply_ = std::move(reply);
    waiting_->CountDown();
  }
  // After the wait. Once.
  Reply Take() { return std::move(reply_); }

 private:
  Waiting* waiting_;
  Reply reply_;
};

}  // namespace rpc::core

#endif  // RPC_CORE_WAITING_CALL_H_
