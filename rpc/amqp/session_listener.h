#ifndef RPC_AMQP_SESSION_LISTENER_H_
#define RPC_AMQP_SESSION_LISTENER_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "rpc/amqp/ending.h"
#include "rpc/amqp/message.h"
#include "rpc/amqp/topology.h"

namespace rpc::amqp {

// Is told what becomes of a session. Called only from within Session::OnFrame,
// OnTime, OnDisconnected and CloseChannel; may call the session's commands.
class SessionListener {
 public:
  virtual ~SessionListener() = default;

  // Logged in: channels can be opened.
  virtual void OnOpen() {}

  // The broker is short of memory or disk and takes no publishes for now.
  virtual void OnBlocked(std::string_view reason) { (void)reason; }
  virtual void OnUnblocked() {}

  // Once, last, after OnChannelClosed of each channel.
  virtual void OnClosed(const absl::Status& status, Retry retry) = 0;
};

// kNack: the broker could not take the message; it is in no queue.
enum class Confirm { kAck, kNack };

// Is told what happens on one channel, under the same terms as SessionListener.
class ChannelListener {
 public:
  virtual ~ChannelListener() = default;

  // The plan is done: the channel can publish, and deliveries may follow.
  virtual void OnReady(const ChannelNames& names) = 0;

  // Only where the plan has a consumer; a broker that does not wait for its own
  // answer may send the first ones before OnReady.
  virtual void OnDelivery(Delivery&& delivery) { (void)delivery; }

  // No queue took a mandatory message. With confirms its kAck follows, which
  // then means nothing.
  virtual void OnReturn(Return&& returned) { (void)returned; }

  // Once for each sequence number that Publish returned, unless the channel is
  // closed before.
  virtual void OnConfirm(std::uint64_t sequence, Confirm confirm) {
    (void)sequence;
    (void)confirm;
  }

  // The broker ended the consumer: its queue was deleted or failed over.
  virtual void OnConsumerCancelled() {}

  // CancelConsumer() took effect: no delivery follows.
  virtual void OnCancelled() {}

  // Exactly once, last; CANCELLED if it was closed by its owner. kNever if its
  // plan was refused.
  virtual void OnChannelClosed(const absl::Status& status, Retry retry) = 0;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_SESSION_LISTENER_H_
