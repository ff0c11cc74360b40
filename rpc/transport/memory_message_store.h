#ifndef RPC_TRANSPORT_MEMORY_MESSAGE_STORE_H_
#define RPC_TRANSPORT_MEMORY_MESSAGE_STORE_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "rpc/base/bytes.h"
#include "rpc/base/deadline.h"
#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"
#include "rpc/message/reply_allow_list.h"

namespace rpc {

class MemoryConsumer;

// A request in a queue: ready, or unsettled in a consumer's hands.
struct MemoryMessage {
  Request request;
  Delivery::Facts facts;
  TimePoint expires_at = kNever;
  // It asks for a reply where none may be sent.
  bool refused = false;
  // Null while it is ready.
  MemoryConsumer* consumer = nullptr;
  // The order of arrival, which a message keeps when it is given back.
  std::uint64_t sequence = 0;
  // Tells this message from those that had its slot before.
  std::uint32_t generation = 0;
  std::uint32_t next = 0;
  std::uint32_t previous = 0;
};

// The messages of one queue. Each stays in its slot from arrival to settlement,
// and a slot is used again, so that steady traffic does not allocate; the ready
// ones are linked in order. Constant time, but for a message that is given back
// behind others that were. Thread-compatible.
class MemoryMessageStore {
 public:
  MemoryMessageStore() : slots_(1) {}

  std::size_t ready() const { return ready_; }

  // The new message is the last of the ready ones.
  void Append(Request&& request, TimePoint expires_at) {
    const std::uint32_t index = TakeSlot();
    MemoryMessage& message = slots_[index];
    message.request = std::move(request);
    message.facts = {};
    message.expires_at = expires_at;
    const ShortText& reply_to = message.request.reply_to;
    message.refused = !reply_to.empty() && !ReplyAllowList().Allows(reply_to);
    message.consumer = nullptr;
    message.sequence = ++appended_;
    Link(index, kEnds);
  }

  // The first ready message; only if there is one.
  MemoryMessage& front() { return slots_[slots_[kEnds].next]; }

  // Takes the first ready message out of the order and into the hands of
  // `consumer`. Returns the token by which it is found.
  std::uint64_t Deliver(MemoryConsumer* consumer) {
    const std::uint32_t index = slots_[kEnds].next;
    Unlink(index);
    slots_[index].consumer = consumer;
    return std::uint64_t{slots_[index].generation} << 32 | index;
  }

  // The unsettled message of that token, or null.
  MemoryMessage* Find(std::uint64_t token) {
    const auto index = static_cast<std::uint32_t>(token);
    if (index == kEnds || index >= slots_.size()) return nullptr;
    MemoryMessage& message = slots_[index];
    const bool is_it =
        message.generation == token >> 32 && message.consumer != nullptr;
    return is_it ? &message : nullptr;
  }

  // Makes an unsettled message ready again, where it was in the order.
  void GiveBack(std::uint64_t token) {
    const auto index = static_cast<std::uint32_t>(token);
    slots_[index].consumer = nullptr;
    std::uint32_t before = slots_[kEnds].next;
    while (before != kEnds &&
           slots_[before].sequence < slots_[index].sequence) {
      before = slots_[before].next;
    }
    Link(index, before);
  }

  void EraseUnsettled(std::uint64_t token) {
    FreeSlot(static_cast<std::uint32_t>(token));
  }

  void EraseFront() {
    const std::uint32_t index = slots_[kEnds].next;
    Unlink(index);
    FreeSlot(index);
  }

  // Calls `visit(token)` for each message in the hands of `consumer`, in the
  // order of their slots. `visit` may give the message back or erase it.
  template <typename Visit>
  void ForEachOf(const MemoryConsumer* consumer, Visit visit) {
    for (std::uint32_t index = 1; index < slots_.size(); ++index) {
      if (slots_[index].consumer == consumer) {
        visit(std::uint64_t{slots_[index].generation} << 32 | index);
      }
    }
  }

 private:
  // The slot that is before the first and after the last ready message.
  static constexpr std::uint32_t kEnds = 0;

  std::uint32_t TakeSlot() {
    if (first_free_ == kEnds) {
      slots_.emplace_back();
      return static_cast<std::uint32_t>(slots_.size() - 1);
    }
    const std::uint32_t index = first_free_;
    first_free_ = slots_[index].next;
    return index;
  }

  void FreeSlot(std::uint32_t index) {
    MemoryMessage& message = slots_[index];
    // What is short is overwritten by the next; what takes memory gives it up.
    if (message.request.body.size() > 64 || !message.request.metadata.empty()) {
      message.request = {};
    }
    message.consumer = nullptr;
    ++message.generation;
    message.next = std::exchange(first_free_, index);
  }

  void Link(std::uint32_t index, std::uint32_t before) {
    const std::uint32_t after = slots_[before].previous;
    slots_[index].previous = after;
    slots_[index].next = before;
    slots_[after].next = index;
    slots_[before].previous = index;
    ++ready_;
  }

  void Unlink(std::uint32_t index) {
    slots_[slots_[index].previous].next = slots_[index].next;
    slots_[slots_[index].next].previous = slots_[index].previous;
    --ready_;
  }

  std::vector<MemoryMessage> slots_;
  std::uint32_t first_free_ = kEnds;
  std::uint64_t appended_ = 0;
  std::size_t ready_ = 0;
};

}  // namespace rpc

#endif  // RPC_TRANSPORT_MEMORY_MESSAGE_STORE_H_
