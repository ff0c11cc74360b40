#ifndef TESTS_SIMULATION_BROKER_CONNECTION_H_
#define TESTS_SIMULATION_BROKER_CONNECTION_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "rpc/amqp/frames.h"
#include "rpc/amqp/rabbitmq_c.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "tests/amqp/sent_frames.h"
#include "tests/simulation/broker_channel.h"
#include "tests/simulation/broker_declarations.h"
#include "tests/simulation/broker_message.h"
#include "tests/simulation/broker_queues.h"
#include "tests/simulation/broker_sender.h"
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
        sender_(world, wire_.get()),
        declarations_(queues, &sender_, this),
        heartbeat_(heartbeat_seconds),
        heard_(world->Now()) {
    wire_->set_broker({[this](std::string_view bytes) { OnBytes(bytes); },
                       [this] { End(); }});
  }
  BrokerConnection(const BrokerConnection&) = delete;
  BrokerConnection& operator=(const BrokerConnection&) = delete;

  bool over() const { return over_; }
  Wire& wire() { return *wire_; }
  // Nothing is in its hands, and each close has been answered.
  bool IsIdle() const {
    for (const auto& [number, channel] : channels_) {
      if (channel.is_closing || channel.unsettled() > 0) return false;
    }
    return true;
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
    sender_.SendContent(number, *message);
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
    if (found->second.is_closing) return OnClosingChannelFrame(frame);
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
    if (frame.type == AMQP_FRAME_HEADER) {
      if (channel.AddHeader(frame.payload)) Arrived(channel);
      return;
    }
    if (frame.type == AMQP_FRAME_BODY) {
      if (channel.AddBody(frame.payload)) Arrived(channel);
      return;
    }
    switch (frame.method) {
      case AMQP_BASIC_PUBLISH_METHOD:
        return channel.Begin(
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
        StopConsuming(channel);
        return Send(frame.channel, amqp::frame::CancelOk{"ctag"});
      case AMQP_CHANNEL_CLOSE_METHOD: {
        const std::uint16_t number = channel.number();
        Forget(channel);
        channels_.erase(number);
        return Send(number, amqp::frame::ChannelCloseOk{});
      }
      case AMQP_CHANNEL_FLOW_METHOD:
        return Send(frame.channel, amqp::frame::ChannelFlowOk{});
      case AMQP_CHANNEL_FLOW_OK_METHOD:
        return;
      default:
        return OnSetting(channel, frame);
    }
  }

  void OnSetting(BrokerChannel& channel, const amqp::SentFrame& frame) {
    using Outcome = BrokerDeclarations::Outcome;
    switch (frame.method) {
      case AMQP_CONFIRM_SELECT_METHOD:
        channel.confirms = true;
        return Send(frame.channel, amqp::frame::ConfirmSelectOk{});
      case AMQP_BASIC_QOS_METHOD:
        channel.prefetch =
            amqp::Arguments<amqp_basic_qos_t>(frame, pool_).prefetch_count;
        return Send(frame.channel, amqp::frame::QosOk{});
      default:
        break;
    }
    const Outcome outcome = declarations_.OnFrame(frame);
    if (outcome == Outcome::kNotFound) {
      CloseChannel(channel, 404, "NOT_FOUND - no such name");
    } else if (outcome == Outcome::kUnknown) {
      world_.Violate(absl::StrCat(name_, ": unknown method ", frame.method));
    }
  }

  void OnConsume(BrokerChannel& channel, const amqp_basic_consume_t& consume) {
    std::string queue(amqp::ToView(consume.queue));
    if (queue.empty()) queue = declarations_.last_queue();
    if (queues_.Find(queue) == nullptr) {
      return CloseChannel(channel, 404, "NOT_FOUND - no queue");
    }
    if (!consume.no_ack && channel.prefetch == 0) {
      world_.Violate("a server consumes without a prefetch");
    }
    std::string tag(amqp::ToView(consume.consumer_tag));
    if (tag.empty()) tag = "ctag";
    channel.consumer = {queue, sender_.Keep(std::move(tag)), !consume.no_ack};
    Send(channel.number(), amqp::frame::ConsumeOk{channel.consumer->tag});
    queues_.Consume(queue, {this, channel.number()});
  }

  void StopConsuming(BrokerChannel& channel) {
    if (!channel.consumer.has_value()) return;
    queues_.Forget(channel.consumer->queue, {this, channel.number()});
    channel.consumer.reset();
  }

  void Arrived(BrokerChannel& channel) {
    const BrokerMessage& message = channel.arrived();
    world_.Trace(name_, [&] {
      return absl::StrCat("takes for \"", message.routing_key,
                          "\": ", message.body);
    });
    const std::uint16_t number = channel.number();
    const std::uint64_t sequence = ++channel.published;
    if (channel.prefetch > 0) channel.Answer(message, orphans_);
    if (channel.prefetch == 0) queues_.NoteAttempt(message);
    if (channel.confirms && world_.random().Chance(plan_.nack)) {
      Confirm(channel, sequence - 1);
      channel.TakeConfirm(sequence);
      return Send(number, amqp::frame::Nack{sequence, false});
    }
    if (!queues_.HasExchange(message.exchange)) {
      return CloseChannel(channel, 404, "NOT_FOUND - no exchange");
    }
    if (!queues_.Publish(message) && channel.is_mandatory()) {
      Send(number,
           amqp::frame::Return{312, "NO_ROUTE", sender_.Keep(message.exchange),
                               sender_.Keep(message.routing_key)});
      sender_.SendContent(number, sender_.Keep(message));
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
    const auto ack = channel.TakeConfirm(up_to);
    if (ack.has_value()) Send(channel.number(), *ack);
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
    StopConsuming(channel);
    for (const auto& [tag, delivery] : channel.TakeUnsettled()) {
      if (queues_.GiveBack(delivery.queue, delivery.message)) continue;
      orphans_.push_back(delivery);
    }
    channel.TakeGiven(orphans_);
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
    if (!over_) sender_.Send(channel, payload);
  }

  World& world_;
  const FaultPlan& plan_;
  BrokerQueues& queues_;
  std::vector<Unsettled>& orphans_;
  const std::string name_;
  const std::shared_ptr<Wire> wire_;
  BrokerSender sender_;
  BrokerDeclarations declarations_;
  std::chrono::seconds heartbeat_;
  TimePoint heard_;
  bool open_ = false;
  bool blocked_ = false;
  bool is_closing_ = false;
  bool over_ = false;
  FrameCutter cutter_;
  std::deque<amqp::SentFrame> frames_;
  std::map<std::uint16_t, BrokerChannel> channels_;
  amqp::MethodPool pool_;
};

}  // namespace rpc::simulation

#endif  // TESTS_SIMULATION_BROKER_CONNECTION_H_
