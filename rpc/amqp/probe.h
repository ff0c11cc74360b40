#ifndef RPC_AMQP_PROBE_H_
#define RPC_AMQP_PROBE_H_

#include <cstdint>

#include "absl/time/time.h"
#include "rpc/base/deadline.h"

namespace rpc::amqp {

// Whether the peer still reads what is sent to it, which its heartbeats do not
// tell: asks it each half heartbeat interval for something without effect. A
// peer that took the question, and sent nothing but heartbeats for five
// quarters of an interval after it, reads no more, and nor does one that takes
// no byte for as long: that is found within two intervals of its last sign.
// Looks are counted rather than time measured, so that an owner that slept does
// not blame the peer. Thread-compatible.
class Probe {
 public:
  // Silent until Start().
  void Start(absl::Duration interval, TimePoint now) {
    quarter_ = absl::ToChronoNanoseconds(interval / 4);
    Postpone(now);
  }

  // Whether to ask; Postpone() or Asked() is to follow.
  bool Due(TimePoint now) const { return !asked() && now >= wake_; }
  // There is nobody to ask now.
  void Postpone(TimePoint now) { wake_ = now + 2 * quarter_; }
  // On that channel, with the question's end at `end` of all bytes ever
  // appended, of which the peer has taken `taken`.
  void Asked(std::uint16_t channel, std::uint64_t end, std::uint64_t taken,
             TimePoint now) {
    channel_ = channel;
    end_ = end;
    taken_ = taken;
    silent_looks_ = 0;
    ask_again_at_ = now + 2 * quarter_;
    wake_ = now + quarter_;
  }
  bool asked() const { return channel_ != 0; }

  // The answer came on that channel, or will never come because it was closed.
  // False: nothing was asked there.
  bool Answered(std::uint16_t channel) {
    if (channel != channel_ || !asked()) return false;
    channel_ = 0;
    wake_ = ask_again_at_;
    return true;
  }

  // More than a heartbeat came: the answer may be behind it on a slow way.
  void Heard() { silent_looks_ = 0; }

  // Whether to give the peer up. One that may not read (`blocked`) is waited
  // for, and one to which bytes before the question are still moving.
  bool PeerIsDeaf(std::uint64_t taken, bool blocked, TimePoint now) {
    if (!asked() || now < wake_) return false;
    const bool moves = taken_ < end_ && taken != taken_;
    taken_ = taken;
    silent_looks_ = blocked || moves ? 0 : silent_looks_ + 1;
    wake_ = now + quarter_;
    return silent_looks_ >= kPatience;
  }

  TimePoint NextWake() const { return wake_; }

 private:
  static constexpr int kPatience = 5;

  Clock::duration quarter_ = Clock::duration::zero();
  TimePoint wake_ = kNever;
  TimePoint ask_again_at_;
  std::uint16_t channel_ = 0;  // 0: not asked
  std::uint64_t end_ = 0;
  std::uint64_t taken_ = 0;
  int silent_looks_ = 0;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_PROBE_H_
