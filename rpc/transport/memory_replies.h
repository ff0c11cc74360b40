#ifndef RPC_TRANSPORT_MEMORY_REPLIES_H_
#define RPC_TRANSPORT_MEMORY_REPLIES_H_

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

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
    std::string name = std::string(kPrefix) + std::to_string(callers_.size());
    caller->set_reply_to(std::string_view(name));
    callers_.push_back(caller);
  }

  // No reply is told to `caller` that has not entered its gate by now.
  void Remove(MemoryCaller* caller) {
    const std::lock_guard lock(mutex_);
    *Find(caller->reply_to()) = nullptr;
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
    MemoryCaller** const found = Find(reply_to);
    if (found == nullptr || *found == nullptr) {
      ++unroutable_;
      return nullptr;
    }
    (*found)->gate().Enter();
    return *found;
  }

  MemoryCaller** Find(std::string_view reply_to) {
    if (!reply_to.starts_with(kPrefix)) return nullptr;
    reply_to.remove_prefix(kPrefix.size());
    const char* const end = reply_to.data() + reply_to.size();
    std::size_t number = 0;
    const auto parsed = std::from_chars(reply_to.data(), end, number);
    if (parsed.ec != std::errc() || parsed.ptr != end) return nullptr;
    return number < callers_.size() ? &callers_[number] : nullptr;
  }

  // Followed by the caller's number.
  static constexpr std::string_view kPrefix = "rpc.reply.memory.";

  mutable std::mutex mutex_;
  // By number; null where the caller is gone.
  std::vector<MemoryCaller*> callers_;
  std::uint64_t unroutable_ = 0;
};

}  // namespace rpc

#endif  // RPC_TRANSPORT_MEMORY_REPLIES_H_
