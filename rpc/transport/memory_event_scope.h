#ifndef RPC_TRANSPORT_MEMORY_EVENT_SCOPE_H_
#define RPC_TRANSPORT_MEMORY_EVENT_SCOPE_H_

#include <deque>
#include <utility>

#include "absl/functional/any_invocable.h"

namespace rpc {

// Lives while this thread tells an event to its receiver. Receivers submit and
// settle from within events, and so cause events within events; to keep the
// stack bounded, those that would be nested too deeply wait until the outermost
// one is told.
class MemoryEventScope {
 public:
  static constexpr int kMaxDepth = 16;

  MemoryEventScope() { ++ThisThread().depth; }
  MemoryEventScope(const MemoryEventScope&) = delete;
  MemoryEventScope& operator=(const MemoryEventScope&) = delete;
  ~MemoryEventScope() {
    Thread& thread = ThisThread();
    if (thread.depth == 1) {
      while (!thread.deferred.empty()) {
        absl::AnyInvocable<void()> event = std::move(thread.deferred.front());
        thread.deferred.pop_front();
        event();
      }
    }
    --thread.depth;
  }

  // True if the event has to be handed to Defer() instead of being told now.
  bool must_defer() const { return ThisThread().depth > kMaxDepth; }

  void Defer(absl::AnyInvocable<void()> event) {
    ThisThread().deferred.push_back(std::move(event));
  }

 private:
  struct Thread {
    int depth = 0;
    std::deque<absl::AnyInvocable<void()>> deferred;
  };

  static Thread& ThisThread() {
    static thread_local Thread thread;
    return thread;
  }
};

}  // namespace rpc

#endif  // RPC_TRANSPORT_MEMORY_EVENT_SCOPE_H_
