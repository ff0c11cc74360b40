#ifndef RPC_CORE_WAITING_CALL_H_
#define RPC_CORE_WAITING_CALL_H_

#include <atomic>
#include <optional>
#include <stop_token>
#include <utility>

#include "rpc/core/call_options.h"
#include "rpc/core/pending_calls.h"
#include "rpc/message/correlation_id.h"
#include "rpc/message/envelope.h"

namespace rpc::core {

// A call whose thread waits for the reply. Lives on that thread's stack.
class BlockingCall final : public PendingCall {
 public:
  void Complete(Reply reply) override {
    reply_ = std::move(reply);
    done_.store(true, std::memory_order_release);
    // The waiting thread may be gone by now: this touches the address only.
    done_.notify_one();
  }

  Reply Wait() {
    done_.wait(false, std::memory_order_acquire);
    return std::move(reply_);
  }

 private:
  Reply reply_;
  std::atomic<bool> done_ = false;
};

// Cancels a pending call when its caller or its parent's caller asks for it.
// Armed when the call's id is known; disarmed by its destructor.
class Cancellation {
 public:
  static bool IsPossible(const CallOptions& options) {
    return options.cancellation.stop_possible() ||
           (options.parent != nullptr &&
            options.parent->cancellation.stop_possible());
  }

  void Arm(PendingCalls* pending, CorrelationId id,
           const CallOptions& options) {
    own_.emplace(options.cancellation, Cancel{pending, id});
    if (options.parent == nullptr) return;
    parents_.emplace(options.parent->cancellation, Cancel{pending, id});
  }

 private:
  struct Cancel {
    PendingCalls* pending;
    CorrelationId id;
    void operator()() const { pending->Cancel(id); }
  };

  std::optional<std::stop_callback<Cancel>> own_;
  std::optional<std::stop_callback<Cancel>> parents_;
};

}  // namespace rpc::core

#endif  // RPC_CORE_WAITING_CALL_H_
