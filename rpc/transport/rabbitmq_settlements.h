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
#include "absl/status/statusor.h"
#include "rpc/amqp/message.h"
#include "rpc/amqp/session.h"
#include "rpc/base/bytes.h"
#include "rpc/base/status.h"
#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"
#include "rpc/message/wire.h"
#include "rpc/transport/rabbitmq_ack_window.h"
#include "rpc/transport/rabbitmq_in_sequence.h"
#include "rpc/transport/rabbitmq_messages.h"
#include "rpc/transport/rabbitmq_options.h"

namespace rpc::rabbitmq {

// What a server's workers settled, on its way to the broker: each reply, then
// its acknowledgement, on the channel that the request came from. What was
// settled for a channel that is gone is dropped: the broker has given those
// requests to others, unless they went with their queue. Settle() may come from
// any thread, all else from the connection's I/O thread.
class Settlements final : public rpc::Delivery::Origin {
 public:
  // `wake` causes a turn of the I/O thread.
  Settlements(std::uint8_t delivery_mode, DeliveryGuarantee guarantee,
              std::function<void()> wake)
      : delivery_mode_(delivery_mode),
        acknowledges_(guarantee != DeliveryGuarantee::kAtMostOnce),
        wake_(std::move(wake)) {}

  void Settle(std::uint64_t token, const Request& request,
              Settlement settlement, Reply* reply) override {
    Settled settled{token, settlement, request.reply_to, std::nullopt};
    if (reply != nullptr) settled.reply = std::move(*reply);
    if (settlement == Settlement::kRequeue && !acknowledges_ &&
        !request.reply_to.empty()) {
      settled.reply = NotGivenBack(request);
    }
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
    unconfirmed_.Begin();
    rejects_.clear();
  }
  // The queue of the current channel's deliveries was deleted, and they with
  // it: nobody else will answer them, so that their replies leave with the next
  // channel. There is nothing left to acknowledge.
  void Orphan() { orphaned_ = generation_; }
  bool are_orphaned() const { return orphaned_ == generation_; }
  // The token of a delivery on the current channel.
  std::uint64_t Delivered(std::uint64_t tag) {
    if (acknowledges_) window_.Delivered(tag);
    return generation_ << kTagBits | tag;
  }

  // The broker has the reply: its request is settled with the next Send().
  void Confirmed(std::uint64_t sequence) {
    const Unconfirmed unconfirmed = unconfirmed_.Take(sequence);
    if (unconfirmed.settlement == Settlement::kAck) {
      window_.Ack(unconfirmed.tag);
    } else {
      rejects_.push_back(unconfirmed);
    }
  }

  // Sends what the channel can take. True if nothing is left, nor waited for.
  bool Send(amqp::Session& session, amqp::ChannelId channel) {
    bool all = true;
    while (next_ < sending_.size() || Take()) {
      Settled& settled = sending_[next_];
      const bool is_current = IsOf(generation_, settled);
      const bool replies =
          settled.reply.has_value() && (is_current || IsOf(orphaned_, settled));
      if (replies && !session.CanPublish(channel)) {
        all = false;
        break;
      }
      ++next_;
      std::uint64_t confirm = 0;
      if (replies) {
        confirm = Publish(session, channel, settled.reply_to, *settled.reply);
      }
      if (is_current) {
        SettleOne(session, channel, settled, confirm);
      } else if (confirm != 0) {
        unconfirmed_.Add(kSettled);
      }
    }
    for (const Unconfirmed& reject : std::exchange(rejects_, {})) {
      Reject(session, channel, reject.tag, reject.settlement);
    }
    window_.Flush(
        [&](std::uint64_t tag) {
          session.Ack(channel, tag, amqp::AckMode::kMultiple);
        },
        [&](std::uint64_t tag) {
          session.Ack(channel, tag, amqp::AckMode::kSingle);
        });
    return all && unconfirmed_.empty();
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
  // What becomes of a request when its reply is confirmed.
  struct Unconfirmed {
    std::uint64_t tag;
    Settlement settlement;
  };
  // Nothing: no delivery has this tag.
  static constexpr Unconfirmed kSettled = {0, Settlement::kAck};

  // Where the broker has forgotten the request, nobody else can have it.
  static Reply NotGivenBack(const Request& request) {
    return {.correlation_id = ReplyIdOf(request),
            .status = NotRun(absl::UnavailableError(
                "the server stops, and a request that is delivered at most "
                "once cannot be given back"))};
  }

  static bool IsOf(std::uint64_t generation, const Settled& settled) {
    return settled.token >> kTagBits == generation;
  }

  bool Take() {
    sending_.clear();
    next_ = 0;
    const std::lock_guard lock(mutex_);
    sending_.swap(settled_);
    return !sending_.empty();
  }

  // `confirm`: the number of its reply's, 0 if none follows.
  void SettleOne(amqp::Session& session, amqp::ChannelId channel,
                 const Settled& settled, std::uint64_t confirm) {
    if (!acknowledges_) return;
    const std::uint64_t tag = settled.token & kTags;
    if (confirm != 0) {
      unconfirmed_.Add({tag, settled.settlement});
    } else if (settled.settlement == Settlement::kAck) {
      window_.Ack(tag);
    } else {
      Reject(session, channel, tag, settled.settlement);
    }
  }

  void Reject(amqp::Session& session, amqp::ChannelId channel,
              std::uint64_t tag, Settlement settlement) {
    window_.Settled(tag);
    session.Reject(channel, tag,
                   settlement == Settlement::kRequeue ? amqp::Requeue::kYes
                                                      : amqp::Requeue::kNo);
  }

  // A result that cannot be sent becomes a failure that can. Returns the number
  // of its confirm, 0 if none follows.
  std::uint64_t Publish(amqp::Session& session, amqp::ChannelId channel,
                        std::string_view reply_to, const Reply& reply) {
    if (!reply.status.ok()) {
      return PublishFailure(session, channel, reply_to, reply);
    }
    const auto sent = TryPublish(session, channel, reply_to, reply, reply.body);
    if (sent.ok()) return *sent;
    const absl::Status why = absl::IsResourceExhausted(sent.status())
                                 ? sent.status()
                                 : absl::InternalError(sent.status().message());
    return PublishFailure(
        session, channel, reply_to,
        {.correlation_id = reply.correlation_id,
         .status = Annotate(why, "the reply cannot be sent")});
  }

  // A limit on bodies that is shorter than the failure's is no reason for
  // silence: the headers say it all.
  std::uint64_t PublishFailure(amqp::Session& session, amqp::ChannelId channel,
                               std::string_view reply_to, const Reply& reply) {
    auto sent = TryPublish(session, channel, reply_to, reply,
                           wire::ErrorBody(reply.status));
    if (absl::IsResourceExhausted(sent.status())) {
      sent = TryPublish(session, channel, reply_to, reply, "");
    }
    return sent.value_or(0);
  }

  absl::StatusOr<std::uint64_t> TryPublish(amqp::Session& session,
                                           amqp::ChannelId channel,
                                           std::string_view reply_to,
                                           const Reply& reply,
                                           std::string_view body) {
    FromReply(reply, delivery_mode_, properties_);
    return session.Publish(channel, "", reply_to, properties_, body,
                           amqp::Mandatory::kNo);
  }

  const std::uint8_t delivery_mode_;
  // Without it the broker forgets each request as it delivers it.
  const bool acknowledges_;
  const std::function<void()> wake_;

  std::mutex mutex_;
  std::vector<Settled> settled_;

  // Of the I/O thread.
  std::vector<Settled> sending_;
  std::size_t next_ = 0;
  std::uint64_t generation_ = 0;
  std::uint64_t orphaned_ = kGenerations + 1;  // none
  AckWindow window_;
  InSequence<Unconfirmed> unconfirmed_;
  std::vector<Unconfirmed> rejects_;
  amqp::Properties properties_;
};

}  // namespace rpc::rabbitmq

#endif  // RPC_TRANSPORT_RABBITMQ_SETTLEMENTS_H_
