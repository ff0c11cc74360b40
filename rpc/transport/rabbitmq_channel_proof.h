#ifndef RPC_TRANSPORT_RABBITMQ_CHANNEL_PROOF_H_
#define RPC_TRANSPORT_RABBITMQ_CHANNEL_PROOF_H_

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "rpc/base/deadline.h"

namespace rpc::rabbitmq {

// Whether a channel reaches the queue that it publishes to. One that first
// publishes just after the death of a quorum queue's leader never learns of the
// next leader: what it publishes is refused, or nothing is heard of it, while
// other channels are served (RabbitMQ 3.10). Once a publish was confirmed, it
// follows every change. A channel that is not proven in time is to be left for
// another. Thread-compatible.
class ChannelProof {
 public:
  // A new channel, whose publishes are confirmed or not; without confirms there
  // is nothing to tell by.
  void Begin(bool confirms) {
    is_proven_ = !confirms;
    is_refused_ = false;
    returned_ = 0;
    doubted_at_ = kNever;
  }

  void Published(TimePoint now) {
    if (!is_proven_) doubted_at_ = std::min(doubted_at_, now + patience_);
  }
  // A publish comes back, which no queue took; its ack is to follow.
  void Returned() {
    if (!is_proven_) ++returned_;
  }
  // The ack of a publish; `waits`: others have none yet. As many acks as there
  // were returns say nothing of a queue, but that the channel is served.
  void Acked(bool waits, TimePoint now) {
    if (is_proven_) return;
    if (returned_ == 0) return Confirmed();
    --returned_;
    doubted_at_ = waits ? now + patience_ : kNever;
  }
  // Something reached the queue. For each reply, so nothing is written when
  // there is nothing to prove.
  void Confirmed() {
    if (is_proven_) return;
    Begin(false);
    patience_ = kPatience;
  }
  void Refused() { is_refused_ = !is_proven_; }

  // Nothing more is to be published, and the channel to be left when all that
  // was is refused: then nothing is lost by it.
  bool is_refused() const { return is_refused_; }
  // When to leave the channel in any case.
  TimePoint doubted_at() const { return doubted_at_; }
  // Not yet: there is another reason for the silence.
  void Wait(TimePoint now) { doubted_at_ = now + patience_; }
  // It is left. Or the way to the broker is slow: the next one gets more time.
  void Leave() {
    doubted_at_ = kNever;
    patience_ = std::min(2 * patience_, kMostPatience);
  }

 private:
  static constexpr auto kPatience = std::chrono::seconds(2);
  static constexpr auto kMostPatience = std::chrono::seconds(16);

  bool is_proven_ = true;
  bool is_refused_ = false;
  std::size_t returned_ = 0;  // whose ack has not come
  TimePoint doubted_at_ = kNever;
  std::chrono::seconds patience_ = kPatience;
};

}  // namespace rpc::rabbitmq

#endif  // RPC_TRANSPORT_RABBITMQ_CHANNEL_PROOF_H_
