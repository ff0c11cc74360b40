#ifndef RPC_TRANSPORT_RABBITMQ_SETTLEMENTS_H_
#define RPC_TRANSPORT_RABBITMQ_SETTLEMENTS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "rpc/amqp/message.h"
#include "rpc/amqp/session.h"
#include "rpc/base/bytes.h"
#include "rpc/base/status.h"
#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"
#include "rpc/message/wire.h"
#include "rpc/transport/rabbitmq_ack_window.h"
#include "rpc/transport/rabbitmq_messages.h"

namespace rpc::rabbitmq {

// What a server's workers settled, on its way to the broker: each reply, then
// its acknowledgement, on the channel that the request came from. What was
// settled for a channel that is gone is dropped: the broker has given those
// requests to others. Settle() may come from any thread, all else from the
// connection's I/O thread.
class Settlements final : public rpc::Delivery::Origin {
 public:
  // `wake` causes a turn of the I/O thread.
  Settlements(std::uint8_t delivery_mode, std::function<void()> wake)
      : delivery_mode_(delivery_mode), wake_(std::move(wake)) {}

  void Settle(std::uint64_t token, const Request& request,
              Settlement settlement, Reply* reply) override {
    Settled settled{token, settlement, request.reply_to, std::nullopt};
    if (reply != nullptr) settled.reply = std::move(*reply);
    bool is_first = false;
    {
      const std::lock_guard lock(mutex_);
      is_first = settled_.empty();
      settled_.push_back(std::move(settled));
    }
    if (is_first) wake_();
  }

  // A channel with deliveries of its own begins; those of the last are gone.
  void Begin() {
    generation_ = (generation_ + 1) & kGenerations;
    window_ = AckWindow();
  }
  // The token of a delivery on the current channel.
  std::uint64_t Delivered(std::uint64_t tag) {
    window_.Delivered(tag);
    return generation_ << kTagBits | tag;
  }

  // Sends what the channel can take. True if nothing is left.
  bool Send(amqp::Session& session, amqp::ChannelId channel) {
    bool all = true;
    while (next_ < sending_.size() || Take()) {
      Settled& settled = sending_[next_];
      if (settled.reply.has_value() && IsCurrent(settled) &&
          !session.CanPublish(channel)) {
        all = false;
        break;
      }
      ++next_;
      if (IsCurrent(settled)) SendOne(session, channel, settled);
    }
    window_.Flush(
        [&](std::uint64_t tag) {
          session.Ack(channel, tag, amqp::AckMode::kMultiple);
        },
        [&](std::uint64_t tag) {
          session.Ack(channel, tag, amqp::AckMode::kSingle);
        });
    return all;
  }

  // Forgets what is queued: there is no channel for it any more.
  void Drop() {
    while (next_ < sending_.size() || Take()) ++next_;
  }

 private:
  static constexpr int kTagBits = 48;
  static constexpr std::uint64_t kTags = (std::uint64_t{1} << kTagBits) - 1;
  static constexpr std::uint64_t kGenerations = 0xffff;

  struct Settled {
    std::uint64_t token;
    Settlement settlement;
    ShortText reply_to;
    std::optional<Reply> reply;
  };

  bool IsCurrent(const Settled& settled) const {
    return settled.token >> kTagBits == generation_;
  }

  bool Take() {
    sending_.clear();
    next_ = 0;
    const std::lock_guard lock(mutex_);
    sending_.swap(settled_);
    return !sending_.empty();
  }

  void SendOne(amqp::Session& session, amqp::ChannelId channel,
               const Settled& settled) {
    if (settled.reply.has_value()) {
      Publish(session, channel, settled.reply_to, *settled.reply);
    }
    const std::uint64_t tag = settled.token & kTags;
    if (settled.settlement == Settlement::kAck) {
      window_.Ack(tag);
      return;
    }
    window_.Settled(tag);
    session.Reject(channel, tag,
                   settled.settlement == Settlement::kRequeue
                       ? amqp::Requeue::kYes
                       : amqp::Requeue::kNo);
  }

  // A result that cannot be sent becomes a failure that can.
  void Publish(amqp::Session& session, amqp::ChannelId channel,
               std::string_view reply_to, const Reply& reply) {
    if (!reply.status.ok()) {
      return PublishFailure(session, channel, reply_to, reply);
    }
    const absl::Status sent =
        TryPublish(session, channel, reply_to, reply, reply.body);
    if (sent.ok()) return;
    const absl::Status why = absl::IsResourceExhausted(sent)
                                 ? sent
                                 : absl::InternalError(sent.message());
    PublishFailure(session, channel, reply_to,
                   {.correlation_id = reply.correlation_id,
                    .status = Annotate(why, "the reply cannot be sent")});
  }

  // A limit on bodies that is shorter than the failure's is no reason for
  // silence: the headers say it all.
  void PublishFailure(amqp::Session& session, amqp::ChannelId channel,
                      std::string_view reply_to, const Reply& reply) {
    const absl::Status sent = TryPublish(session, channel, reply_to, reply,
                                         wire::ErrorBody(reply.status));
    if (!absl::IsResourceExhausted(sent)) return;
    TryPublish(session, channel, reply_to, reply, "").IgnoreError();
  }

  absl::Status TryPublish(amqp::Session& session, amqp::ChannelId channel,
                          std::string_view reply_to, const Reply& reply,
                          std::string_view body) {
    FromReply(reply, delivery_mode_, properties_);
    return session
        .Publish(channel, "", reply_to, properties_, body, amqp::Mandatory::kNo)
        .status();
  }

  const std::uint8_t delivery_mode_;
  const std::function<void()> wake_;

  std::mutex mutex_;
  std::vector<Settled> settled_;

  // Of the I/O thread.
  std::vector<Settled> sending_;
  std::size_t next_ = 0;
  std::uint64_t generation_ = 0;
  AckWindow window_;
  amqp::Properties properties_;
};

}  // namespace rpc::rabbitmq

#endif  // RPC_TRANSPORT_RABBITMQ_SETTLEMENTS_H_
