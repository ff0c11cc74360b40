#ifndef RPC_CORE_PENDING_CALLS_H_
#define RPC_CORE_PENDING_CALLS_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "rpc/base/deadline.h"
#include "rpc/base/random_nonces.h"
#include "rpc/base/status.h"
#include "rpc/core/deadline_wheel.h"
#include "rpc/message/correlation_id.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/transport_policy.h"

namespace rpc {

// What became of an endpoint's calls.
struct CallCounters {
  // Attempts, each.
  std::uint64_t started = 0;
  std::uint64_t expired = 0;
  // Attempts after the first one at their call.
  std::uint64_t retried = 0;
  // Not started, because max_in_flight were pending.
  std::uint64_t refused = 0;
  // Replies to calls that were over, doubled replies and forged ones: dropped.
  std::uint64_t unknown_replies = 0;
};

namespace core {

// Something that waits for a reply. Owned by whoever added it, alive until it
// was completed or removed.
class PendingCall {
 public:
  // Called once, without a lock, on the thread that learned the outcome.
  virtual void Complete(Reply&& reply) = 0;

 protected:
  ~PendingCall() = default;
};

// The calls that were sent and are not over, found by correlation id in
// constant time and ended by their deadlines without a timer each. A call is
// over when it leaves this table; what comes for it later is counted and
// dropped. Thread-safe; passive: whoever owns a thread and a clock calls
// OnTime().
class PendingCalls final : public CallEvents {
 public:
  // Called after one or more Complete(), without a lock, on their thread.
  struct Hooks {
    std::function<void()> completed = {};
    // Calls were ended by Cancel() or Close(), and not by an event.
    std::function<void()> ended_from_outside = {};
  };

  explicit PendingCalls(std::size_t max_in_flight)
      : PendingCalls(max_in_flight, {}) {}
  PendingCalls(std::size_t max_in_flight, Hooks hooks)
      : max_in_flight_(max_in_flight), hooks_(std::move(hooks)) {}
  PendingCalls(const PendingCalls&) = delete;
  PendingCalls& operator=(const PendingCalls&) = delete;

  // What is pending: a call, or the pause between two attempts at one, for
  // which there is always room and whose end is no expiry.
  enum class Kind { kCall, kPause };

  // RESOURCE_EXHAUSTED where `max_in_flight` calls are pending; the status of
  // Close() after it.
  absl::StatusOr<CorrelationId> Add(PendingCall* call, Deadline deadline,
                                    Kind kind = Kind::kCall) {
    const std::lock_guard lock(mutex_);
    if (!closed_.ok()) return closed_;
    if (kind == Kind::kCall && in_flight() >= max_in_flight_) {
      ++counters_.refused;
      return NotRun(WithRetryAfter(
          absl::ResourceExhaustedError(
              std::to_string(in_flight()) +
              " calls are in flight, the most that max_in_flight allows"),
          kRetryAfter));
    }
    const std::uint32_t index = TakeSlot();
    Slot& slot = slots_[index];
    slot.call = call;
    slot.claimed = false;
    slot.kind = kind;
    slot.nonce = nonces_.Next();
    wheel_.Insert(index, deadline.at());
    Count(1);
    if (kind == Kind::kCall) ++counters_.started;
    return CorrelationId{index, slot.nonce};
  }

  // Takes back a call that was not submitted. False if it is over already.
  bool Remove(CorrelationId id) {
    const std::lock_guard lock(mutex_);
    if (Find(id) == nullptr) return false;
    Release(id.slot);
    return true;
  }

  // Until a call that is pending now is over, or `deadline`; no longer than a
  // retry makes sense anyway.
  void WaitForRoom(Deadline deadline) {
    const TimePoint soon =
        Clock::now() + absl::ToChronoNanoseconds(kRetryAfter);
    std::unique_lock lock(mutex_);
    ++waiting_for_room_;
    room_.wait_until(lock, std::min(soon, deadline.at()));
    --waiting_for_room_;
  }

  // Ends the call with CANCELLED unless it is over already.
  void Cancel(CorrelationId id) {
    if (End(id, absl::CancelledError("the caller cancelled the call"))) {
      TellOfEndFromOutside();
    }
  }

  // Ends all calls with `status`, and each later Add. No Complete() runs any
  // more when this returns; not to be called from within one.
  void Close(const absl::Status& status) {
    {
      const std::lock_guard lock(mutex_);
      closed_ = NotRun(status);
    }
    if (EndAll(status, Which::kAll)) TellOfEndFromOutside();
    // A Complete() takes microseconds, and this comes once.
    while (completing_.load(std::memory_order_acquire) != 0) {
      std::this_thread::yield();
    }
  }

  // From CallEvents.
  bool Claim(std::string_view correlation_id) override {
    const auto id = CorrelationId::Parse(correlation_id);
    const std::lock_guard lock(mutex_);
    Slot* slot = id.has_value() ? Find(*id) : nullptr;
    if (slot == nullptr) return false;
    slot->claimed = true;
    return true;
  }

  void OnReply(Reply reply) override { OnReplies({&reply, 1}); }
  void OnReplies(std::span<Reply> replies) override {
    // Enough for a turn of a transport's loop, without an allocation.
    std::array<PendingCall*, 64> calls;
    for (; replies.size() > calls.size();
         replies = replies.subspan(calls.size())) {
      CompleteAll(replies.first(calls.size()), calls.data());
    }
    CompleteAll(replies, calls.data());
    if (hooks_.completed) hooks_.completed();
  }

  void OnLost(const absl::Status& status) override {
    EndAll(status, Which::kClaimed);
  }
  void OnRefused(const absl::Status& status) override {
    EndAll(status, Which::kAll);
  }

  TimePoint OnTime(TimePoint now) override {
    std::vector<Ended> ended;
    TimePoint next;
    {
      const std::lock_guard lock(mutex_);
      wheel_.Expire(now, [&](std::uint32_t index) {
        if (slots_[index].kind == Kind::kCall) ++counters_.expired;
        ended.push_back(Take(index));
      });
      Begin(ended);
      next = wheel_.NextExpiry();
    }
    if (!ended.empty()) {
      Finish(ended, absl::DeadlineExceededError("the deadline passed"));
    }
    return next;
  }

  std::size_t in_flight() const {
    return in_flight_.load(std::memory_order_relaxed);
  }
  CallCounters counters() const {
    const std::lock_guard lock(mutex_);
    return counters_;
  }

 private:
  // How long a call that found no room should wait, if nothing ends before.
  static constexpr absl::Duration kRetryAfter = absl::Milliseconds(10);
  enum class Which { kAll, kClaimed };
  struct Slot {
    PendingCall* call = nullptr;
    std::uint64_t nonce = 0;
    // Its request may have left: from here on the handler may run.
    bool claimed = false;
    Kind kind = Kind::kCall;
  };
  struct Ended {
    PendingCall* call;
    bool claimed;
  };

  // `calls` has room for as many as there are replies.
  void CompleteAll(std::span<Reply> replies, PendingCall** calls) {
    std::size_t known = 0;
    {
      const std::lock_guard lock(mutex_);
      for (std::size_t i = 0; i < replies.size(); ++i) {
        const auto id = CorrelationId::Parse(replies[i].correlation_id);
        Slot* slot = id.has_value() ? Find(*id) : nullptr;
        calls[i] = slot == nullptr ? nullptr : slot->call;
        if (slot == nullptr) continue;
        Release(id->slot);
        ++known;
      }
      counters_.unknown_replies += replies.size() - known;
      completing_.fetch_add(known, std::memory_order_relaxed);
    }
    for (std::size_t i = 0; i < replies.size(); ++i) {
      if (calls[i] != nullptr) calls[i]->Complete(std::move(replies[i]));
    }
    completing_.fetch_sub(known, std::memory_order_release);
  }

  void Count(int change) {
    in_flight_.store(in_flight() + static_cast<std::size_t>(change),
                     std::memory_order_relaxed);
  }

  Slot* Find(CorrelationId id) {
    if (id.slot >= slots_.size()) return nullptr;
    Slot& slot = slots_[id.slot];
    return slot.call != nullptr && slot.nonce == id.nonce ? &slot : nullptr;
  }

  std::uint32_t TakeSlot() {
    if (!free_.empty()) {
      const std::uint32_t index = free_.back();
      free_.pop_back();
      return index;
    }
    slots_.emplace_back();
    wheel_.Resize(slots_.size());
    return static_cast<std::uint32_t>(slots_.size() - 1);
  }

  void Release(std::uint32_t index) {
    wheel_.Erase(index);
    slots_[index].call = nullptr;
    free_.push_back(index);
    Count(-1);
    if (waiting_for_room_ > 0) room_.notify_one();
  }

  Ended Take(std::uint32_t index) {
    const Ended ended{slots_[index].call, slots_[index].claimed};
    Release(index);
    return ended;
  }

  // False if it was over.
  bool End(CorrelationId id, const absl::Status& status) {
    std::vector<Ended> ended;
    {
      const std::lock_guard lock(mutex_);
      if (Find(id) == nullptr) return false;
      ended.push_back(Take(id.slot));
      Begin(ended);
    }
    Finish(ended, status);
    return true;
  }

  // False if there were none.
  bool EndAll(const absl::Status& status, Which which) {
    std::vector<Ended> ended;
    {
      const std::lock_guard lock(mutex_);
      for (std::uint32_t i = 0; i < slots_.size(); ++i) {
        if (slots_[i].call == nullptr) continue;
        if (which == Which::kAll || slots_[i].claimed) ended.push_back(Take(i));
      }
      if (ended.empty()) return false;
      Begin(ended);
    }
    Finish(ended, status);
    return true;
  }

  void TellOfEndFromOutside() {
    if (hooks_.ended_from_outside) hooks_.ended_from_outside();
  }

  // Under the lock; Finish() without it.
  void Begin(const std::vector<Ended>& ended) {
    completing_.fetch_add(ended.size(), std::memory_order_relaxed);
  }
  void Finish(const std::vector<Ended>& ended, const absl::Status& status) {
    for (const auto& [call, claimed] : ended) {
      call->Complete({.status = claimed ? status : NotRun(status)});
    }
    if (hooks_.completed) hooks_.completed();
    completing_.fetch_sub(ended.size(), std::memory_order_release);
  }

  const std::size_t max_in_flight_;
  const Hooks hooks_;
  mutable std::mutex mutex_;
  std::condition_variable room_;
  int waiting_for_room_ = 0;
  absl::Status closed_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  DeadlineWheel wheel_;
  RandomNonces nonces_;
  // Changed under the lock only.
  std::atomic<std::size_t> in_flight_ = 0;
  CallCounters counters_;
  // Calls that have left the table and whose Complete() has not returned.
  std::atomic<std::size_t> completing_ = 0;
};

}  // namespace core
}  // namespace rpc

#endif  // RPC_CORE_PENDING_CALLS_H_
