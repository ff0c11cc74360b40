#ifndef TESTS_AMQP_SESSION_FIXTURE_H_
#define TESTS_AMQP_SESSION_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "rpc/amqp/frames.h"
#include "rpc/amqp/session.h"
#include "rpc/amqp/session_listener.h"
#include "rpc/amqp/session_options.h"
#include "rpc/amqp/topology.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "tests/amqp/sent_frames.h"

namespace rpc::amqp {

// What happened, as one word each, in order: sessions and channels write into
// the same trace.
using Trace = std::vector<std::string>;

class TracingListener final : public SessionListener {
 public:
  explicit TracingListener(Trace* trace) : trace_(*trace) {}

  void OnOpen() override { trace_.push_back("open"); }
  void OnBlocked(std::string_view reason) override {
    trace_.push_back(absl::StrCat("blocked:", ToAbsl(reason)));
  }
  void OnUnblocked() override { trace_.push_back("unblocked"); }
  void OnClosed(const absl::Status& status, Retry retry) override {
    trace_.push_back("closed");
    ending = Ending{status, retry};
  }

  std::optional<Ending> ending;

 private:
  Trace& trace_;
};

class TracingChannel final : public ChannelListener {
 public:
  explicit TracingChannel(Trace* trace) : trace_(*trace) {}

  void OnReady(const ChannelNames& ready) override {
    trace_.push_back("ready");
    names = ready;
  }
  void OnDelivery(Delivery&& delivery) override {
    trace_.push_back(absl::StrCat("delivery:", delivery.tag));
    deliveries.push_back(std::move(delivery));
    on_delivery();
  }
  void OnReturn(Return&& returned) override {
    trace_.push_back(absl::StrCat("return:", returned.code));
    returns.push_back(std::move(returned));
  }
  void OnConfirm(std::uint64_t sequence, Confirm confirm) override {
    trace_.push_back(
        absl::StrCat(confirm == Confirm::kAck ? "ack:" : "nack:", sequence));
    on_confirm();
  }
  void OnConsumerCancelled() override {
    trace_.push_back("consumer-cancelled");
  }
  void OnCancelled() override { trace_.push_back("cancelled"); }
  void OnChannelClosed(const absl::Status& status, Retry retry) override {
    trace_.push_back("channel-closed");
    ending = Ending{status, retry};
    on_closed();
  }

  ChannelNames names;
  std::vector<Delivery> deliveries;
  std::vector<Return> returns;
  std::optional<Ending> ending;
  std::function<void()> on_delivery = [] {};
  std::function<void()> on_confirm = [] {};
  std::function<void()> on_closed = [] {};

 private:
  Trace& trace_;
};

// A session that a test plays the broker for, with a clock of the test's.
class SessionTest : public ::testing::Test {
 protected:
  explicit SessionTest(SessionOptions options = Options())
      : session_(std::move(options), &listener_, now_) {}

  static SessionOptions Options() {
    SessionOptions options;
    options.user = "guest";
    options.password = "very-secret";
    options.body_limit = 1000;
    return options;
  }

  void Receive(std::uint16_t channel, FramePayload payload) {
    session_.OnFrame({channel, std::move(payload)}, now_);
  }
  void Advance(absl::Duration time) {
    now_ += absl::ToChronoNanoseconds(time);
    session_.OnTime(now_);
  }
  // As a broker does that reads what it is sent.
  void AnswerProbe(std::uint16_t channel) {
    if (session_.probes()) Receive(channel, frame::ChannelFlowOk{});
  }
  std::vector<SentFrame> Sent() { return TakeSent(session_.out()); }

  void LogIn() {
    Receive(0, frame::Start{"PLAIN AMQPLAIN", true});
    Receive(0, frame::Tune{2047, 131072, 60});
    Receive(0, frame::OpenOk{});
    ASSERT_TRUE(session_.open());
    session_.OnTime(now_);
    Sent();
    trace_.clear();
  }

  // Opens a channel and answers all steps of `plan`, which declares at most one
  // queue and nothing else.
  ChannelId OpenReady(ChannelPlan plan, TracingChannel* channel) {
    const bool declares = !plan.topology.queues.empty();
    const bool confirms = plan.confirms == Confirms::kOn;
    const bool limits = plan.prefetch > 0;
    const bool consumes = plan.consumer.has_value();
    const auto id = session_.OpenChannel(std::move(plan), channel, now_);
    EXPECT_TRUE(id.ok()) << id.status();
    const auto number = static_cast<std::uint16_t>(*id);
    Receive(number, frame::ChannelOpenOk{});
    if (declares) Receive(number, frame::QueueDeclareOk{"q", 0, 0});
    if (confirms) Receive(number, frame::ConfirmSelectOk{});
    if (limits) Receive(number, frame::QosOk{});
    if (consumes) Receive(number, frame::ConsumeOk{"ctag"});
    EXPECT_EQ(channel->names.consumer_tag, consumes ? "ctag" : "");
    Sent();
    trace_.clear();
    return *id;
  }

  static ChannelPlan ConsumingPlan() {
    ChannelPlan plan;
    plan.topology.queues = {{.exclusive = true}};
    plan.consumer = Consumer{};
    return plan;
  }
  static ChannelPlan ConfirmingPlan() {
    ChannelPlan plan;
    plan.confirms = Confirms::kOn;
    return plan;
  }

  void ReceiveMessage(std::uint16_t channel, std::uint64_t tag,
                      std::string_view body) {
    Receive(channel, frame::Deliver{"ctag", tag, false, "", "q"});
    Receive(channel, frame::ContentHeader{body.size()});
    if (!body.empty()) Receive(channel, frame::Body{body});
  }

  std::uint64_t Publish(ChannelId id, std::string_view body = "x") {
    const auto sequence =
        session_.Publish(id, "", "q", Properties(), body, Mandatory::kYes);
    EXPECT_TRUE(sequence.ok()) << sequence.status();
    return sequence.value_or(0);
  }

  absl::StatusCode EndCode() const {
    return listener_.ending.has_value() ? listener_.ending->status.code()
                                        : absl::StatusCode::kOk;
  }

  TimePoint now_ = TimePoint(std::chrono::hours(1));
  Trace trace_;
  TracingListener listener_{&trace_};
  TracingChannel channel_{&trace_};
  Session session_;
  MethodPool pool_;
};

}  // namespace rpc::amqp

#endif  // TESTS_AMQP_SESSION_FIXTURE_H_
