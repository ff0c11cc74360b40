#include "tests/support/faulty_pipe.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "rpc/base/deadline.h"

namespace rpc::testing {
namespace {

constexpr std::size_t kMostHeld = std::size_t{1} << 20;
constexpr std::size_t kMostRead = std::size_t{1} << 16;

bool WouldBlock() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

}  // namespace

void FaultyPipe::SetFaults(const DirectionFaults& faults, TimePoint now) {
  faults_ = faults;
  position_ = 0;
  next_burst_ = now;
  for (Chunk& chunk : chunks_) {
    chunk.due = now;
    chunk.faulty = IsFaulty();
  }
}

std::optional<Cut> FaultyPipe::Pump(int from, int to, TimePoint now) {
  if (wants_to_read()) Read(from, now);
  wake_ = kNever;
  if (!Write(to, now)) return Cut::kReset;
  if (!chunks_.empty()) return std::nullopt;
  if (const auto cut = CutDue(); cut.has_value()) return cut;
  const bool keeps_the_end = Keeps(Fault::kFreeze) || Keeps(Fault::kDrop);
  if (!ended_ || over_ || keeps_the_end) return std::nullopt;
  if (broken_) return Cut::kReset;
  ::shutdown(to, SHUT_WR);
  over_ = true;
  return std::nullopt;
}

bool FaultyPipe::wants_to_read() const {
  // What a slow link has no room for stays with the sender's kernel.
  const bool is_slow = IsFaulty() && faults_.burst > 0;
  return !ended_ && held_ < (is_slow ? faults_.burst : kMostHeld) &&
         !Keeps(Fault::kStall) && !CutDue().has_value();
}

std::optional<Cut> FaultyPipe::CutDue() const {
  if (Keeps(Fault::kReset)) return Cut::kReset;
  if (Keeps(Fault::kFinish)) return Cut::kFinish;
  return std::nullopt;
}

// Nothing is read across the place where the faults begin.
std::size_t FaultyPipe::Room() const {
  if (IsFaulty()) {
    return faults_.burst > 0 ? std::min(kMostRead, faults_.burst) : kMostRead;
  }
  return static_cast<std::size_t>(
      std::min<std::uint64_t>(kMostRead, faults_.after - position_));
}

void FaultyPipe::Read(int from, TimePoint now) {
  std::array<char, kMostRead> buffer;
  const ssize_t size = ::recv(from, buffer.data(), Room(), 0);
  if (size > 0) {
    Take(std::string(buffer.data(), static_cast<std::size_t>(size)), now);
  } else if (size == 0 || !WouldBlock()) {
    ended_ = true;
    broken_ = size != 0;
  }
}

void FaultyPipe::Take(std::string bytes, TimePoint now) {
  const bool faulty = IsFaulty();
  const bool begins = position_ == faults_.after;
  position_ += bytes.size();
  if (faulty && faults_.fault == Fault::kDrop) return;
  if (begins && faults_.fault == Fault::kCorrupt) {
    bytes.front() = static_cast<char>(~bytes.front());
  }
  const TimePoint due =
      faulty ? now + absl::ToChronoNanoseconds(faults_.delay) : now;
  held_ += bytes.size();
  chunks_.push_back({std::move(bytes), due, faulty});
}

bool FaultyPipe::IsDue(const Chunk& chunk, TimePoint now) {
  if (!chunk.faulty) return true;
  if (faults_.fault == Fault::kFreeze) return false;
  TimePoint due = chunk.due;
  if (faults_.burst > 0) due = std::max(due, next_burst_);
  if (now < due) wake_ = due;
  return now >= due;
}

bool FaultyPipe::Write(int to, TimePoint now) {
  blocked_ = false;
  while (!chunks_.empty()) {
    Chunk& chunk = chunks_.front();
    if (!IsDue(chunk, now)) return true;
    std::size_t most = chunk.bytes.size();
    if (chunk.faulty && faults_.burst > 0) {
      most = std::min(most, faults_.burst);
    }
    const ssize_t sent = ::send(to, chunk.bytes.data(), most, MSG_NOSIGNAL);
    if (sent < 0) {
      blocked_ = WouldBlock();
      return blocked_;
    }
    const auto size = static_cast<std::size_t>(sent);
    held_ -= size;
    if (chunk.faulty && faults_.burst > 0) {
      next_burst_ = now + absl::ToChronoNanoseconds(faults_.every);
    }
    if (size == chunk.bytes.size()) {
      chunks_.pop_front();
    } else {
      chunk.bytes.erase(0, size);
    }
  }
  return true;
}

}  // namespace rpc::testing
