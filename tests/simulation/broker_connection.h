#ifndef TESTS_SIMULATION_BROKER_CONNECTION_H_
#define TESTS_SIMULATION_BROKER_CONNECTION_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "rpc/amqp/content_header.h"
#include "rpc/amqp/frames.h"
#include "rpc/amqp/rabbitmq_c.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "tests/amqp/sent_frames.h"
#include "tests/simulation/broker_channel.h"
#include "tests/simulation/broker_message.h"
#include "tests/simulation/broker_queues.h"
#include "tests/simulation/fault_plan.h"
#include "tests/simulation/frame_cutter.h"
#include "tests/simulation/wire.h"
#include "tests/simulation/world.h"

namespace rpc::simulation {

// A connection as the broker sees it: takes frames, answers with frames.
class BrokerConnection final : public BrokerPeer {
 public:
  BrokerConnection(World* world, const FaultPlan* plan, BrokerQueues* queues,
                   std::vector<Unsettled>* orphans, std::string name,
                   std::shared_ptr<Wire> wire, int heartbeat_seconds)
      : world_(*world),
        plan_(*plan),
        queues_(*queues),
        orphans_(*orphans),
        name_(absl::StrCat("broker to ", name)),
        wire_(std::move(wire)),
        heartbeat_(heartbeat_seconds),
        heard_(world->Now()) {
    wire_->set_broker({[this](std::string_view bytes) { OnBytes(bytes); },
                       [this] { End(); }});
  }
  BrokerConnection(const BrokerConnection&) = delete;
  BrokerConnection& operator=(const BrokerConnection&) = delete;

  bool over() const { return over_; }
  Wire& wire() { return *wire_; }
  std::size_t unsettled() const {
    std::size_t sum = 0;
    for (const auto& [number, channel] : channels_) sum += channel.unsettled();
    return sum;
  }

  // A channel is closed and the client has not said that it knows.
  bool has_closing_channel() const {
    for (const auto& [number, channel] : channels_) {
      if (channel.is_closing) return true;
    }
    return false;
  }

  // The alarm: publishers are not read from any more.
  void Block() {
    blocked_ = true;
    if (open_) Send(0, amqp::frame::Blocked{"low on memory"});
  }
  void Unblock() {
    blocked_ = false;
    if (open_) Send(0, amqp::frame::Unblocked{});
    Work();
  }

  void CloseByOperator() {
    Send(0, amqp::frame::Close{320, "CONNECTION_FORCED", 0, 0});
    is_closing_ = true;
  }
  void CloseAChannel() {
    for (auto& [number, channel] : channels_) {
      // A declaration that is refused so would never be made again.
      if (channel.is_closing || !channel.consumer.has_value()) continue;
      return CloseChannel(channel, 406, "PRECONDITION_FAILED - timeout");
    }
  }
  void SetFlow(bool active) {
    for (const auto& [number, channel] : channels_) {
      if (!channel.is_closing) Send(number, amqp::frame::ChannelFlow{active});
    }
  }
  // The other end is gone, or has said goodbye.
  void End() {
    if (std::exchange(over_, true)) return;
    world_.Trace(name_, [] { return "is over"; });
    wire_->HangUp();
    for (auto& [number, channel] : channels_) Forget(channel);
    channels_.clear();
    queues_.DeleteOf(this);
  }

 private:
  using ChannelMap = std::map<std::uint16_t, BrokerChannel>;

  // From BrokerPeer.
  bool HasRoom(std::uint16_t number) const override {
    return channels_.at(number).HasRoom();
  }
  void Deliver(std::uint16_t number, const std::string& queue,
               BrokerMessage* message) override {
    BrokerChannel& channel = channels_.at(number);
    const std::uint64_t tag = channel.Deliver(message, queue);
    world_.Trace(name_, [&] {
      return absl::StrCat("delivers ", tag, " of ", queue, ": ", message->body);
    });
    Send(number,
         amqp::frame::Deliver{channel.consumer->tag, tag, message->redelivered,
                              message->exchange, message->routing_key});
    SendContent(number, *message);
  }
  void Cancel(std::uint16_t number) override {
    BrokerChannel& channel = channels_.at(number);
    Send(number, amqp::frame::Cancel{channel.consumer->tag});
    channel.consumer.reset();
  }

  void OnBytes(std::string_view bytes) {
    if (over_) return;
    heard_ = world_.Now();
    const bool was_greeted = cutter_.greeted();
    for (amqp::SentFrame& frame : cutter_.Take(bytes)) {
      frames_.push_back(std::move(frame));
    }
    if (cutter_.greeted() && !was_greeted) {
      Send(0, amqp::frame::Start{"PLAIN AMQPLAIN", true});
    }
    Work();
  }

  void Work() {
    while (!over_ && !frames_.empty()) {
      const bool publishes =
          frames_.front().method == AMQP_BASIC_PUBLISH_METHOD;
      if (blocked_ && publishes) return;
      const amqp::SentFrame frame = std::move(frames_.front());
      frames_.pop_front();
      OnFrame(frame);
    }
  }

  void OnFrame(const amqp::SentFrame& frame) {
    if (frame.type == AMQP_FRAME_HEARTBEAT) return;
    if (frame.channel == 0) return OnConnectionMethod(frame);
    if (is_closing_) return;
    if (frame.method == AMQP_CHANNEL_OPEN_METHOD) {
      channels_.try_emplace(frame.channel, &world_, frame.channel);
      return Send(frame.channel, amqp::frame::ChannelOpenOk{});
    }
    const auto found = channels_.find(frame.channel);
    if (found == channels_.end()) {
      return world_.Violate(absl::StrCat(name_, ": a frame on channel ",
                                         frame.channel, ", which is closed"));
    }
    if (found->second.is_closing) {
      return OnClosingChannelFrame(frame);
    }
    OnChannelFrame(found->second, frame);
  }

  // As RabbitMQ: a close that crosses ours is answered, and ends nothing.
  void OnClosingChannelFrame(const amqp::SentFrame& frame) {
    if (frame.method == AMQP_CHANNEL_CLOSE_METHOD) {
      Send(frame.channel, amqp::frame::ChannelCloseOk{});
    }
    if (frame.method == AMQP_CHANNEL_CLOSE_OK_METHOD) {
      channels_.erase(frame.channel);
    }
  }

  void OnConnectionMethod(const amqp::SentFrame& frame) {
    switch (frame.method) {
      case AMQP_CONNECTION_START_OK_METHOD:
        return Send(0, amqp::frame::Tune{
                           2047, 131072,
                           static_cast<std::uint16_t>(heartbeat_.count())});
      case AMQP_CONNECTION_TUNE_OK_METHOD:
        heartbeat_ = std::chrono::seconds(
            amqp::Arguments<amqp_connection_tune_ok_t>(frame, pool_).heartbeat);
        return;
      case AMQP_CONNECTION_OPEN_METHOD:
        open_ = true;
        Send(0, amqp::frame::OpenOk{});
        if (blocked_) Block();
        return Beat();
      case AMQP_CONNECTION_CLOSE_METHOD:
        Send(0, amqp::frame::CloseOk{});
        return End();
      case AMQP_CONNECTION_CLOSE_OK_METHOD:
        return End();
      default:
        return world_.Violate(
            absl::StrCat(name_, ": method ", frame.method, " on channel 0"));
    }
  }

  void OnChannelFrame(BrokerChannel& channel, const amqp::SentFrame& frame) {
    if (frame.type == AMQP_FRAME_HEADER) return OnHeader(channel, frame);
    if (frame.type == AMQP_FRAME_BODY) return OnBody(channel, frame);
    switch (frame.method) {
      case AMQP_BASIC_PUBLISH_METHOD:
        return OnPublish(channel,
                         amqp::Arguments<amqp_basic_publish_t>(frame, pool_));
      case AMQP_BASIC_ACK_METHOD:
        return OnAck(channel, amqp::Arguments<amqp_basic_ack_t>(frame, pool_));
      case AMQP_BASIC_REJECT_METHOD:
        return OnReject(channel,
                        amqp::Arguments<amqp_basic_reject_t>(frame, pool_));
      case AMQP_BASIC_CONSUME_METHOD:
        return OnConsume(channel,
                         amqp::Arguments<amqp_basic_consume_t>(frame, pool_));
      case AMQP_BASIC_CANCEL_METHOD:
        return OnCancel(channel);
      case AMQP_CHANNEL_CLOSE_METHOD: {
        const std::uint16_t number = channel.number();
        Forget(channel);
        channels_.erase(number);
        return Send(number, amqp::frame::ChannelCloseOk{});
      }
      case AMQP_CHANNEL_FLOW_OK_METHOD:
        return;
      default:
        return OnDeclaration(channel, frame);
    }
  }

  void OnDeclaration(BrokerChannel& channel, const amqp::SentFrame& frame) {
    const std::uint16_t number = channel.number();
    switch (frame.method) {
      case AMQP_EXCHANGE_DECLARE_METHOD:
        return OnExchange(
            channel, amqp::Arguments<amqp_exchange_declare_t>(frame, pool_));
      case AMQP_QUEUE_DECLARE_METHOD:
        return OnQueue(channel,
                       amqp::Arguments<amqp_queue_declare_t>(frame, pool_));
      case AMQP_QUEUE_BIND_METHOD: {
        const auto& bind = amqp::Arguments<amqp_queue_bind_t>(frame, pool_);
        queues_.Bind(amqp::ToView(bind.exchange), amqp::ToView(bind.queue));
        return Send(number, amqp::frame::QueueBindOk{});
      }
      case AMQP_CONFIRM_SELECT_METHOD:
        channel.confirms = true;
        return Send(number, amqp::frame::ConfirmSelectOk{});
      case AMQP_BASIC_QOS_METHOD:
        channel.prefetch =
            amqp::Arguments<amqp_basic_qos_t>(frame, pool_).prefetch_count;
        return Send(number, amqp::frame::QosOk{});
      default:
        return world_.Violate(
            absl::StrCat(name_, ": unknown method ", frame.method));
    }
  }

  void OnExchange(BrokerChannel& channel,
                  const amqp_exchange_declare_t& declare) {
    const std::string_view name = amqp::ToView(declare.exchange);
    if (declare.passive && !queues_.HasExchange(name)) {
      return CloseChannel(channel, 404, "NOT_FOUND - no exchange");
    }
    if (!declare.passive) queues_.DeclareExchange(name);
    Send(channel.number(), amqp::frame::ExchangeDeclareOk{});
  }

  void OnQueue(BrokerChannel& channel, const amqp_queue_declare_t& declare) {
    std::string name(amqp::ToView(declare.queue));
    BrokerPeer* const owner = declare.exclusive ? this : nullptr;
    declared_ = queues_.Find(name) != nullptr
                    ? name
                    : queues_.Declare(std::move(name), owner);
    Send(channel.number(), amqp::frame::QueueDeclareOk{Keep(declared_), 0, 0});
  }

  void OnConsume(BrokerChannel& channel, const amqp_basic_consume_t& consume) {
    std::string queue(amqp::ToView(consume.queue));
    if (queue.empty()) queue = declared_;
    if (queues_.Find(queue) == nullptr) {
      return CloseChannel(channel, 404, "NOT_FOUND - no queue");
    }
    if (!consume.no_ack && channel.prefetch == 0) {
      world_.Violate("a server consumes without a prefetch");
    }
    std::string tag(amqp::ToView(consume.consumer_tag));
    if (tag.empty()) tag = "ctag";
    channel.consumer = {queue, Keep(std::move(tag)), !consume.no_ack};
    Send(channel.number(), amqp::frame::ConsumeOk{channel.consumer->tag});
    queues_.Consume(queue, {this, channel.number()});
  }

  void OnCancel(BrokerChannel& channel) {
    if (channel.consumer.has_value()) {
      queues_.Forget(channel.consumer->queue, {this, channel.number()});
      channel.consumer.reset();
    }
    Send(channel.number(), amqp::frame::CancelOk{"ctag"});
  }

  void OnPublish(BrokerChannel& channel, const amqp_basic_publish_t& publish) {
    channel.arriving = BrokerMessage();
    channel.arriving.exchange = amqp::ToView(publish.exchange);
    channel.arriving.routing_key = amqp::ToView(publish.routing_key);
    channel.is_mandatory = publish.mandatory;
  }
  void OnHeader(BrokerChannel& channel, const amqp::SentFrame& frame) {
    amqp::frame::ContentHeader header;
    if (!headers_.Decode(frame.payload, &header).ok()) {
      return world_.Violate(absl::StrCat(name_, ": a malformed header"));
    }
    channel.arriving.properties = std::move(*header.properties);
    channel.missing = static_cast<std::size_t>(header.body_size);
    if (channel.missing == 0) Arrived(channel);
  }
  void OnBody(BrokerChannel& channel, const amqp::SentFrame& frame) {
    channel.arriving.body += frame.payload;
    channel.missing -= frame.payload.size();
    if (channel.missing == 0) Arrived(channel);
  }

  void Arrived(BrokerChannel& channel) {
    BrokerMessage& message = channel.arriving;
    world_.Trace(name_, [&] {
      return absl::StrCat("takes for \"", message.routing_key,
                          "\": ", message.body);
    });
    const std::uint16_t number = channel.number();
    const std::uint64_t sequence = ++channel.published;
    if (channel.prefetch > 0) channel.Answer(message, orphans_);
    if (channel.confirms && world_.random().Chance(plan_.nack)) {
      Confirm(channel, sequence - 1);
      channel.confirmed = sequence;
      return Send(number, amqp::frame::Nack{sequence, false});
    }
    if (!queues_.HasExchange(message.exchange)) {
      return CloseChannel(channel, 404, "NOT_FOUND - no exchange");
    }
    if (!queues_.Publish(message) && channel.is_mandatory) {
      Send(number, amqp::frame::Return{312, "NO_ROUTE", Keep(message.exchange),
                                       Keep(message.routing_key)});
      kept_messages_.push_back(message);
      SendContent(number, kept_messages_.back());
    }
    if (channel.confirms) ConfirmLater(channel);
  }

  // Some together, some by themselves.
  void ConfirmLater(BrokerChannel& channel) {
    if (world_.random().Chance(300)) return Confirm(channel, channel.published);
    world_.After(world_.random().Between(Clock::duration(0),
                                         std::chrono::milliseconds(30)),
                 [this, number = channel.number()] {
                   const auto found = channels_.find(number);
                   if (found == channels_.end()) return;
                   Confirm(found->second, found->second.published);
                 });
  }
  void Confirm(BrokerChannel& channel, std::uint64_t up_to) {
    if (up_to <= channel.confirmed || channel.is_closing) return;
    const bool is_one = up_to == channel.confirmed + 1;
    channel.confirmed = up_to;
    Send(channel.number(), amqp::frame::Ack{up_to, !is_one});
  }

  void OnAck(BrokerChannel& channel, const amqp_basic_ack_t& ack) {
    world_.Trace(name_, [&] {
      return absl::StrCat("is told ack ", ack.delivery_tag,
                          ack.multiple ? " and before" : "");
    });
    std::string queue;
    channel.Ack(ack.delivery_tag, ack.multiple,
                [&](const Unsettled& d) { queue = d.queue; });
    queues_.Pump(queue);
  }
  void OnReject(BrokerChannel& channel, const amqp_basic_reject_t& reject) {
    world_.Trace(name_, [&] {
      return absl::StrCat("is told reject ", reject.delivery_tag);
    });
    const auto delivery = channel.Reject(reject.delivery_tag, reject.requeue);
    if (!delivery.has_value()) return;
    if (reject.requeue) queues_.GiveBack(delivery->queue, delivery->message);
    queues_.Pump(delivery->queue);
  }

  // What it holds goes to others.
  void Forget(BrokerChannel& channel) {
    if (channel.consumer.has_value()) {
      queues_.Forget(channel.consumer->queue, {this, channel.number()});
      channel.consumer.reset();
    }
    for (const auto& [tag, delivery] : channel.TakeUnsettled()) {
      if (queues_.GiveBack(delivery.queue, delivery.message)) continue;
      orphans_.push_back(delivery);
    }
  }
  void CloseChannel(BrokerChannel& channel, std::uint16_t code,
                    std::string_view text) {
    channel.is_closing = true;
    Send(channel.number(), amqp::frame::ChannelClose{code, text});
    Forget(channel);
  }

  void Beat() {
    if (over_) return;
    Send(0, amqp::frame::Heartbeat{});
    if (world_.Now() - heard_ > 2 * heartbeat_) {
      if (!wire_->was_frozen())
        world_.Violate(absl::StrCat(name_, " is silent"));
      return End();
    }
    // Connections outlive their events.
    world_.After(Clock::duration(heartbeat_) / 2, [this] { Beat(); });
  }

  void Send(std::uint16_t channel, amqp::FramePayload payload) {
    if (!over_) wire_->Send({{channel, payload}});
  }
  void SendContent(std::uint16_t channel, const BrokerMessage& message) {
    auto properties = std::make_unique<amqp::Properties>(message.properties);
    amqp::Properties* const view = properties.get();
    wire_->Send(
        {{channel, amqp::frame::ContentHeader{message.body.size(), view}},
         std::move(properties)});
    const std::string_view body = message.body;
    if (body.empty()) return;
    const std::size_t cut = world_.random().Below(body.size());
    if (cut > 0) Send(channel, amqp::frame::Body{body.substr(0, cut)});
    wire_->Send({{channel, amqp::frame::Body{body.substr(cut)}},
                 nullptr,
                 message.replies_to,
                 message.properties.type.empty()});
  }
  // Frames are views of what has to stay.
  std::string_view Keep(std::string text) {
    return texts_.emplace_back(std::move(text));
  }

  World& world_;
  const FaultPlan& plan_;
  BrokerQueues& queues_;
  std::vector<Unsettled>& orphans_;
  const std::string name_;
  const std::shared_ptr<Wire> wire_;
  std::chrono::seconds heartbeat_;
  TimePoint heard_;
  bool open_ = false;
  bool blocked_ = false;
  bool is_closing_ = false;
  bool over_ = false;
  FrameCutter cutter_;
  std::deque<amqp::SentFrame> frames_;
  ChannelMap channels_;
  std::string declared_;  // the queue declared last
  amqp::MethodPool pool_;
  amqp::ContentHeaderDecoder headers_;
  std::deque<std::string> texts_;
  std::deque<BrokerMessage> kept_messages_;
};

}  // namespace rpc::simulation

#endif  // TESTS_SIMULATION_BROKER_CONNECTION_H_
