#ifndef RPC_TRANSPORT_RABBITMQ_CHANNEL_PROOF_H_
#define RPC_TRANSPORT_RABBITMQ_CHANNEL_PROOF_H_

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "rpc/base/deadline.h"

namespace rpc::rabbitmq {

// Whether a channel reaches the queue that it publishes to. After the death of
// a quorum queue's leader, the next one tells those channels which it knows of,
// and only they send again what was lost (RabbitMQ 3.10). It does not know of
// one that first publishes after that death: what that one publishes is
// refused, or nothing is heard of it, while other channels are served. Nor need
// it know of one that was young: a node that comes back begins with what it had
// written of the queue's state, which it does every 5 s. Once publishes have
// been confirmed for longer than that, the channel follows every change. One
// that is not proven in time is to be left for another.
//
// Where nothing is confirmed, RabbitMQ reads no more of a connection once one
// of its channels owes 200 to 400 publishes (credit_flow), and so never hears
// that the channel is left and another one opened. Until it is proven, a
// channel therefore takes fewer; and only a few before the first confirm, since
// they are lost if it is left. Thread-compatible.
class ChannelProof {
 public:
  // A new channel, whose publishes are confirmed or not; without confirms there
  // is nothing to tell by.
  void Begin(bool confirms) {
    is_proven_ = !confirms;
    is_refused_ = false;
    returned_ = 0;
    proven_at_ = kNever;
    doubted_at_ = kNever;
  }

  void Published(TimePoint now) {
    if (!is_proven_) doubted_at_ = std::min(doubted_at_, now + Patience());
  }
  // A publish comes back, which no queue took; its ack is to follow.
  void Returned() {
    if (!is_proven_) ++returned_;
  }
  // The ack of a publish; `waits`: others have none yet. As many acks as there
  // were returns say nothing of a queue, but that the channel is served.
  void Acked(bool waits, TimePoint now) {
    if (is_proven_) return;
    if (returned_ == 0) return Heard(waits, now);
    --returned_;
    Wait(waits, now);
  }
  // Something reached the queue. For each reply, so nothing is written when
  // there is nothing to prove.
  void Heard(bool waits, TimePoint now) {
    if (is_proven_) return;
    is_refused_ = false;
    left_ = 0;
    proven_at_ = std::min(proven_at_, now + kYouth);
    Wait(waits, now);
    if (now >= proven_at_) Begin(false);
  }
  // By a queue that is full, where something was taken before.
  void Refused() { is_refused_ = !is_proven_ && !is_heard(); }

  // Takes() nothing more, and is to be left when all that was published is
  // refused: then nothing is lost by it.
  bool is_refused() const { return is_refused_; }
  // Whether to publish on it, where the confirms of so many are awaited.
  bool Takes(std::size_t unconfirmed) const {
    if (is_proven_) return true;
    return !is_refused_ && unconfirmed < (is_heard() ? kYoungMost : kMost);
  }
  // When to leave the channel in any case.
  TimePoint doubted_at() const { return doubted_at_; }
  // Not yet: there is another reason for the silence.
  void Wait(TimePoint now) { Wait(true, now); }
  // It is left, as are some in a row while a queue has no leader. Or the way to
  // the broker is slow: further ones get more time.
  void Leave() {
    doubted_at_ = kNever;
    ++left_;
  }

 private:
  static constexpr std::size_t kMost = 32;
  static constexpr std::size_t kYoungMost = 200;
  // Of so many channels in a row; then it doubles from one to the next.
  static constexpr auto kPatience = std::chrono::seconds(2);
  static constexpr int kQuicklyLeft = 5;
  static constexpr int kMostDoublings = 3;
  // As long as the queue may take to find a leader, who does know of most.
  static constexpr auto kYoungPatience = std::chrono::seconds(5);
  // Twice what a node may have forgotten.
  static constexpr auto kYouth = std::chrono::seconds(10);

  bool is_heard() const { return proven_at_ != kNever; }
  std::chrono::seconds Patience() const {
    if (is_heard()) return kYoungPatience;
    const int doublings =
        std::clamp(left_ - kQuicklyLeft + 1, 0, kMostDoublings);
    return kPatience * (1 << doublings);
  }
  void Wait(bool waits, TimePoint now) {
    doubted_at_ = waits ? now + Patience() : kNever;
  }

  bool is_proven_ = true;
  bool is_refused_ = false;
  std::size_t returned_ = 0;      // whose ack has not come
  TimePoint proven_at_ = kNever;  // kNever: nothing reached the queue yet
  TimePoint doubted_at_ = kNever;
  int left_ = 0;  // channels, since something reached the queue
};

}  // namespace rpc::rabbitmq

#endif  // RPC_TRANSPORT_RABBITMQ_CHANNEL_PROOF_H_
