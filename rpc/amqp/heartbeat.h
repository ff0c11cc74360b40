#ifndef RPC_AMQP_HEARTBEAT_H_
#define RPC_AMQP_HEARTBEAT_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"
#include "rpc/base/deadline.h"

namespace rpc::amqp {

// When to send a heartbeat, and when the peer is dead: after half the interval
// without a word of ours, and after two intervals without one of its, or
// without its taking any byte of what waits to be sent. Thread-compatible.
class Heartbeat {
 public:
  // Silent until Start().
  explicit Heartbeat(TimePoint now) : heard_(now), spoke_(now), taken_(now) {}

  void Start(absl::Duration interval) {
    interval_ = absl::ToChronoNanoseconds(interval);
  }
  absl::Duration interval() const { return absl::FromChrono(interval_); }

  void Heard(TimePoint now) { heard_ = now; }

  bool PeerIsDead(TimePoint now) const {
    return started() && now >= heard_ + 2 * interval_;
  }

  // Whether the peer has stopped taking bytes. To be asked at least each half
  // interval, with how much was ever sent and whether more waits.
  bool PeerTakesNothing(std::uint64_t total_sent, bool waiting, TimePoint now) {
    if (!waiting || total_sent != sent_) taken_ = now;
    sent_ = total_sent;
    return started() && now >= taken_ + 2 * interval_;
  }

  // Whether it is time to send one, given how much was ever appended to what
  // is sent. Bytes that still wait to leave (`waiting`) are as good a sign of
  // life and need no heartbeat behind them.
  bool Due(std::uint64_t total_appended, bool waiting, TimePoint now) {
    const bool spoke = total_appended != appended_;
    appended_ = total_appended;
    if (!spoke && (!started() || now < spoke_ + interval_ / 2)) return false;
    spoke_ = now;
    return !spoke && !waiting;
  }

  TimePoint NextWake() const {
    if (!started()) return kNever;
    return std::min(heard_ + 2 * interval_, spoke_ + interval_ / 2);
  }

 private:
  bool started() const { return interval_ > Clock::duration::zero(); }

  Clock::duration interval_ = Clock::duration::zero();
  TimePoint heard_;
  TimePoint spoke_;
  std::uint64_t appended_ = 0;
  TimePoint taken_;
  std::uint64_t sent_ = 0;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_HEARTBEAT_H_
