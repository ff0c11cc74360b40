#ifndef RPC_TRANSPORT_MEMORY_REPLIES_H_
#define RPC_TRANSPORT_MEMORY_REPLIES_H_

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "rpc/base/status.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/memory_caller.h"

namespace rpc {

// The exclusive reply queues of one broker. They hold nothing: a reply is told
// to its caller at once. Thread-safe.
class MemoryReplies {
 public:
  // Makes a reply queue for `caller`, which stays until it is removed.
  void Add(MemoryCaller* caller) {
    const std::lock_guard lock(mutex_);
    const std::string name = "rpc.reply.memory." + std::to_string(++made_);
    caller->set_reply_to(std::string_view(name));
    callers_.emplace(name, caller);
  }

  // No reply is told to `caller` that has not entered its gate by now.
  void Remove(MemoryCaller* caller) {
    const std::lock_guard lock(mutex_);
    callers_.erase(ToAbsl(caller->reply_to()));
  }

  // Counts a reply whose caller is gone, and drops it.
  void Send(std::string_view reply_to, Reply&& reply) {
    MemoryCaller* caller = Enter(reply_to);
    if (caller != nullptr) caller->Take(std::move(reply));
  }

  std::uint64_t unroutable() const {
    const std::lock_guard lock(mutex_);
    return unroutable_;
  }

 private:
  MemoryCaller* Enter(std::string_view reply_to) {
    const std::lock_guard lock(mutex_);
    const auto found = callers_.find(ToAbsl(reply_to));
    if (found == callers_.end()) {
      ++unroutable_;
      return nullptr;
    }
    found->second->gate().Enter();
    return found->second;
  }

  mutable std::mutex mutex_;
  absl::flat_hash_map<std::string, MemoryCaller*> callers_;
  std::uint64_t made_ = 0;
  std::uint64_t unroutable_ = 0;
};

}  // namespace rpc

#endif  // RPC_TRANSPORT_MEMORY_REPLIES_H_
