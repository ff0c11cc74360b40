#ifndef RPC_CORE_DEADLINE_WHEEL_H_
#define RPC_CORE_DEADLINE_WHEEL_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "rpc/base/deadline.h"

namespace rpc::core {

// Deadlines of numbered entries, hashed by time into a ring of buckets: insert
// and erase take constant time however many there are. An entry expires at most
// one tick (8.4 ms) after its deadline, never before it. Thread-compatible.
class DeadlineWheel {
 public:
  static constexpr Clock::duration kTick = std::chrono::nanoseconds(1 << 23);

  // Entries are numbered from 0 to `size` - 1.
  void Resize(std::size_t size) { entries_.resize(size); }

  void Insert(std::uint32_t index, TimePoint deadline) {
    Entry& entry = entries_[index];
    entry.deadline = deadline;
    if (deadline >= kNever) return;
    // A deadline in the past belongs to the tick that is expired next.
    entry.bucket = static_cast<std::uint32_t>(
        std::max(Tick(deadline), expired_ + 1) % kBuckets);
    std::uint32_t& head = heads_[entry.bucket];
    entry.previous = kNone;
    entry.next = head;
    if (head != kNone) entries_[head].previous = index;
    head = index;
    occupied_[entry.bucket / 64] |= Bit(entry.bucket);
  }

  // Of an entry that was inserted and neither erased nor expired.
  void Erase(std::uint32_t index) {
    const Entry& entry = entries_[index];
    if (entry.deadline >= kNever) return;
    if (entry.next != kNone) entries_[entry.next].previous = entry.previous;
    if (entry.previous != kNone) {
      entries_[entry.previous].next = entry.next;
      return;
    }
    heads_[entry.bucket] = entry.next;
    if (entry.next == kNone) occupied_[entry.bucket / 64] &= ~Bit(entry.bucket);
  }

  // Calls `on_expired(index)` for each entry that is due; it must erase the
  // entry.
  template <typename OnExpired>
  void Expire(TimePoint now, OnExpired&& on_expired) {
    const std::int64_t last = Tick(now) - 1;
    const std::int64_t first = std::max(expired_ + 1, last - kBuckets + 1);
    for (std::int64_t tick = first; tick <= last; ++tick) {
      std::uint32_t index = heads_[static_cast<std::size_t>(tick % kBuckets)];
      while (index != kNone) {
        const std::uint32_t next = entries_[index].next;
        if (Tick(entries_[index].deadline) <= last) on_expired(index);
        index = next;
      }
    }
    expired_ = std::max(expired_, last);
  }

  // When Expire() has to be called next, at the latest.
  TimePoint NextExpiry() const {
    const std::int64_t first = expired_ + 1;
    for (std::int64_t ahead = 0; ahead < kBuckets;) {
      const auto bucket = static_cast<std::size_t>((first + ahead) % kBuckets);
      const std::uint64_t bits = occupied_[bucket / 64] >> (bucket % 64);
      if (bits != 0) {
        return Begin(first + ahead + std::countr_zero(bits) + 1);
      }
      ahead += 64 - static_cast<std::int64_t>(bucket % 64);
    }
    return kNever;
  }

 private:
  static constexpr std::int64_t kBuckets = 1024;
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  struct Entry {
    TimePoint deadline = kNever;
    std::uint32_t bucket = 0;
    std::uint32_t previous = kNone;
    std::uint32_t next = kNone;
  };

  static std::int64_t Tick(TimePoint time) {
    return time.time_since_epoch() / kTick;
  }
  static TimePoint Begin(std::int64_t tick) { return TimePoint(tick * kTick); }
  static std::uint64_t Bit(std::uint32_t bucket) {
    return std::uint64_t{1} << (bucket % 64);
  }
  static std::array<std::uint32_t, kBuckets> NoHeads() {
    std::array<std::uint32_t, kBuckets> heads;
    heads.fill(kNone);
    return heads;
  }

  std::vector<Entry> entries_;
  std::array<std::uint32_t, kBuckets> heads_ = NoHeads();
  std::array<std::uint64_t, kBuckets / 64> occupied_ = {};
  // The last tick whose entries were expired.
  std::int64_t expired_ = -1;
};

}  // namespace rpc::core

#endif  // RPC_CORE_DEADLINE_WHEEL_H_
