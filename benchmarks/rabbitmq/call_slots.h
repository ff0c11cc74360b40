#ifndef BENCHMARKS_RABBITMQ_CALL_SLOTS_H_
#define BENCHMARKS_RABBITMQ_CALL_SLOTS_H_

#include <array>
#include <chrono>
#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

#include "benchmarks/rabbitmq/fail.h"

namespace rpc::benchmarks {

// The open calls of a hand-written client: a slot each, found again by the last
// eight of the 24 hex characters of its correlation id; the first sixteen are
// random and new for each call. Thread-compatible.
class CallSlots {
 public:
  using Clock = std::chrono::steady_clock;

  explicit CallSlots(std::uint64_t count) : slots_(count) {}

  std::uint64_t size() const { return slots_.size(); }

  // Starts a call in `slot` and returns its correlation id, valid until the
  // slot's next call.
  std::string_view Start(std::uint64_t slot) {
    Slot& call = slots_[slot];
    WriteHex(random_(), call.id.data(), 16);
    WriteHex(slot, call.id.data() + 16, 8);
    call.started = Clock::now();
    call.open = true;
    ++open_;
    return {call.id.data(), call.id.size()};
  }

  // Ends the call that `id` names and returns its slot; a reply that belongs to
  // none ends the program.
  std::uint64_t Finish(std::string_view id) {
    const std::uint64_t slot =
        id.size() == kIdSize ? ReadHex(id.substr(16)) : slots_.size();
    if (slot >= slots_.size() || !slots_[slot].open ||
        id != std::string_view(slots_[slot].id.data(), kIdSize)) {
      Fail("a reply came for no open call");
    }
    slots_[slot].open = false;
    --open_;
    return slot;
  }

  Clock::time_point started(std::uint64_t slot) const {
    return slots_[slot].started;
  }
  std::uint64_t open() const { return open_; }

 private:
  static constexpr std::size_t kIdSize = 24;

  struct Slot {
    std::array<char, kIdSize> id = {};
    bool open = false;
    Clock::time_point started;
  };

  static void WriteHex(std::uint64_t value, char* out, unsigned digits) {
    for (unsigned i = digits; i > 0; --i, value >>= 4) {
      out[i - 1] = "0123456789abcdef"[value & 15];
    }
  }

  static std::uint64_t ReadHex(std::string_view digits) {
    std::uint64_t value = 0;
    for (const char digit : digits) {
      const int nibble = digit <= '9' ? digit - '0' : digit - 'a' + 10;
      value = value << 4 | (static_cast<unsigned>(nibble) & 15);
    }
    return value;
  }

  std::vector<Slot> slots_;
  std::uint64_t open_ = 0;
  std::mt19937_64 random_{std::random_device()()};
};

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_RABBITMQ_CALL_SLOTS_H_
