#ifndef TESTS_AMQP_ECHO_CHANNEL_H_
#define TESTS_AMQP_ECHO_CHANNEL_H_

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "rpc/amqp/message.h"
#include "rpc/amqp/session.h"
#include "rpc/amqp/session_listener.h"
#include "rpc/amqp/topology.h"
#include "rpc/base/deadline.h"

namespace rpc::amqp {

// Publishes numbered messages to a queue of its own and checks that they come
// back complete and in order, with a window in flight. All on the I/O thread.
class EchoChannel final : public ChannelListener {
 public:
  EchoChannel(int total, int window, std::string body)
      : total_(total), window_(window), body_(std::move(body)) {}

  int received() const { return received_; }
  bool in_order() const { return in_order_; }
  const absl::Status& closed() const { return closed_; }

  void Open(Session& session, TimePoint now) {
    session_ = &session;
    ChannelPlan plan;
    plan.topology.queues = {{.durable = false, .exclusive = true}};
    plan.consumer = Consumer{};
    id_ = *session.OpenChannel(std::move(plan), this, now);
  }

  // To be called each turn.
  void Pump() {
    if (pending_ack_ != 0) {
      session_->Ack(id_, pending_ack_, AckMode::kMultiple);
      pending_ack_ = 0;
    }
    while (published_ < total_ && published_ - received_ < window_ &&
           session_->CanPublish(id_)) {
      Properties properties;
      properties.correlation_id = std::string_view(std::to_string(published_));
      const auto sequence =
          session_->Publish(id_, "", queue_, properties, body_, Mandatory::kNo);
      if (!sequence.ok()) return;
      ++published_;
    }
  }

  void OnReady(const ChannelNames& names) override { queue_ = names.queue; }
  void OnDelivery(Delivery&& delivery) override {
    const Message& message = delivery.message;
    in_order_ = in_order_ && message.body == std::string_view(body_) &&
                message.properties.correlation_id == std::to_string(received_);
    ++received_;
    pending_ack_ = delivery.tag;
  }
  void OnChannelClosed(const absl::Status& status, Retry) override {
    closed_ = status;
    session_ = nullptr;
  }

 private:
  const int total_;
  const int window_;
  const std::string body_;
  Session* session_ = nullptr;
  ChannelId id_{};
  std::string queue_;
  int published_ = 0;
  int received_ = 0;
  bool in_order_ = true;
  std::uint64_t pending_ack_ = 0;
  absl::Status closed_;
};

}  // namespace rpc::amqp

#endif  // TESTS_AMQP_ECHO_CHANNEL_H_
