#ifndef RPC_AMQP_LIVENESS_H_
#define RPC_AMQP_LIVENESS_H_

#include <algorithm>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "rpc/amqp/channel.h"
#include "rpc/amqp/channel_set.h"
#include "rpc/amqp/encoder.h"
#include "rpc/amqp/heartbeat.h"
#include "rpc/amqp/out_buffer.h"
#include "rpc/amqp/probe.h"
#include "rpc/amqp/rabbitmq_c.h"
#include "rpc/base/deadline.h"

namespace rpc::amqp {

// Shows a session's broker that we live, and finds out whether it does: that it
// speaks, takes bytes and reads them. Thread-compatible.
class Liveness {
 public:
  // `encoder` must outlive it. Silent until Start().
  Liveness(Encoder* encoder, TimePoint now)
      : encoder_(*encoder), heartbeat_(now) {}

  void Start(absl::Duration interval, TimePoint now) {
    heartbeat_.Start(interval);
    probe_.Start(interval, now);
  }

  void Heard(TimePoint now) { heartbeat_.Heard(now); }
  // More than a heartbeat.
  void HeardFrame() { probe_.Heard(); }
  // The probe was answered on that channel. False: it was not sent there.
  bool Answered(std::uint16_t channel) { return probe_.Answered(channel); }
  void ChannelClosed(std::uint16_t channel) { probe_.Answered(channel); }

  // An answer is awaited: OnTime() goes by OutBuffer::set_on_the_way().
  bool asked() const { return probe_.asked(); }

  // Sends what is due; UNAVAILABLE once the broker is to be given up. `reads`:
  // it has neither blocked the connection nor been told its end.
  absl::Status OnTime(const ChannelSet& channels, bool reads, TimePoint now) {
    const OutBuffer& out = encoder_.out();
    if (heartbeat_.PeerIsDead(now)) {
      return Dead("nothing was heard from the broker for two heartbeats of ");
    }
    // A broker that has blocked us stops reading too, and says nothing wrong.
    if (heartbeat_.PeerTakesNothing(out.total_sent(), !out.empty() && reads,
                                    now)) {
      return Dead(
          "the broker took no byte of what was sent for two heartbeats of ");
    }
    if (probe_.PeerIsDeaf(out.total_taken(), !reads, now)) {
      return Dead(
          "the broker speaks, but answered nothing that was sent for more than "
          "a heartbeat of ");
    }
    if (probe_.Due(now)) Ask(reads ? channels.FindReady() : nullptr, now);
    if (heartbeat_.Due(out.total_appended(), !out.empty(), now)) {
      encoder_.Heartbeat();
    }
    return absl::OkStatus();
  }

  TimePoint NextWake() const {
    return std::min(heartbeat_.NextWake(), probe_.NextWake());
  }

 private:
  absl::Status Dead(const char* why) const {
    return absl::UnavailableError(
        absl::StrCat(why, absl::FormatDuration(heartbeat_.interval())));
  }

  // Tells the broker to go on sending, from which nobody has kept it: a method
  // that needs no permission, changes nothing, and is answered on any channel.
  void Ask(const Channel* channel, TimePoint now) {
    if (channel == nullptr) return probe_.Postpone(now);
    amqp_channel_flow_t method = {};
    method.active = 1;
    encoder_.Append(channel->number(), AMQP_CHANNEL_FLOW_METHOD, method)
        .IgnoreError();
    const OutBuffer& out = encoder_.out();
    probe_.Asked(channel->number(), out.total_appended(), out.total_taken(),
                 now);
  }

  Encoder& encoder_;
  Heartbeat heartbeat_;
  Probe probe_;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_LIVENESS_H_
