#ifndef RPC_AMQP_BACKOFF_H_
#define RPC_AMQP_BACKOFF_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "rpc/base/deadline.h"
#include "rpc/base/random_nonces.h"

namespace rpc::amqp {

// Which address to dial next, and when: the next one at once, but a pause after
// each round of failures, growing from round to round, with jitter so that the
// clients of a broker that comes back do not arrive as one. Thread-compatible.
class Backoff {
 public:
  Backoff(std::size_t addresses, absl::Duration least, absl::Duration most)
      : addresses_(addresses), least_(least), most_(most) {}

  // The address whose turn it is.
  std::size_t address() const { return address_; }

  // An attempt failed, or a connection is over that was up for `lasted`.
  // Returns when to dial address().
  TimePoint Failed(absl::Duration lasted, TimePoint now) {
    // A broker that lets us in and throws us out at once has not recovered.
    if (lasted >= kRecovered) failures_ = 0;
    ++failures_;
    address_ = (address_ + 1) % addresses_;
    if (failures_ % addresses_ != 0) return now;
    const std::size_t round = failures_ / addresses_;
    const absl::Duration pause = std::min(
        least_ * static_cast<double>(std::uint64_t{1} << std::min<std::size_t>(
                                         round - 1, kMostDoublings)),
        most_);
    return Deadline::After(pause * Jitter(), now).at();
  }

 private:
  // From a half to one.
  double Jitter() {
    return 0.5 + 0.5 * static_cast<double>(random_.Next() >> 11) / kTwoTo53;
  }

  static constexpr double kTwoTo53 = 9007199254740992;
  static constexpr absl::Duration kRecovered = absl::Seconds(1);
  static constexpr std::size_t kMostDoublings = 20;

  const std::size_t addresses_;
  const absl::Duration least_;
  const absl::Duration most_;
  RandomNonces random_;
  std::size_t address_ = 0;
  std::size_t failures_ = 0;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_BACKOFF_H_
