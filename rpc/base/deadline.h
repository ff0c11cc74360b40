#ifndef RPC_BASE_DEADLINE_H_
#define RPC_BASE_DEADLINE_H_

#include <algorithm>
#include <chrono>

#include "absl/time/time.h"

namespace rpc {

// Deadlines are points on the monotonic clock: setting the wall clock neither
// ends a call early nor prolongs it.
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

// Far enough to mean "never" and near enough that arithmetic on it does not
// overflow.
inline constexpr TimePoint kNever =
    TimePoint(std::chrono::duration_cast<Clock::duration>(
        std::chrono::hours(24 * 365 * 100)));

// The one absolute moment by which a call ends. It covers all that the call
// does: queueing, connecting, publishing and waiting. A value type; immutable.
class Deadline {
 public:
  // Never expires.
  constexpr Deadline() = default;

  constexpr explicit Deadline(TimePoint at) : at_(std::min(at, kNever)) {}

  // `budget` from `now`. Not after `kNever`, for whatever budget; a negative
  // budget has expired already.
  static Deadline After(absl::Duration budget, TimePoint now = Clock::now()) {
    if (budget >= absl::FromChrono(kNever - now)) return Deadline();
    if (budget <= absl::ZeroDuration()) return Deadline(now);
    return Deadline(now + absl::ToChronoNanoseconds(budget));
  }

  constexpr TimePoint at() const { return at_; }
  constexpr bool is_never() const { return at_ >= kNever; }
  constexpr bool Expired(TimePoint now) const { return now >= at_; }

  // What is left at `now`, at least zero; infinite if it never expires.
  absl::Duration Left(TimePoint now) const {
    if (is_never()) return absl::InfiniteDuration();
    return absl::FromChrono(std::max(at_ - now, Clock::duration::zero()));
  }

  friend constexpr bool operator==(Deadline a, Deadline b) {
    return a.at_ == b.at_;
  }
  friend constexpr auto operator<=>(Deadline a, Deadline b) {
    return a.at_ <=> b.at_;
  }

 private:
  TimePoint at_ = kNever;
};

}  // namespace rpc

#endif  // RPC_BASE_DEADLINE_H_
