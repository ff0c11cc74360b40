#include "rpc/amqp/channel.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "tests/amqp/session_fixture.h"

namespace rpc::amqp {
namespace {

using Methods = std::vector<std::uint32_t>;

class Channels : public SessionTest {
 protected:
  void SetUp() override { LogIn(); }

  Methods SentMethods() { return MethodsOf(Sent()); }

  bool EndMentions(std::string_view words) const {
    return channel_.ending.has_value() &&
           absl::StrContains(channel_.ending->status.message(), ToAbsl(words));
  }
};

TEST_F(Channels, RunTheirPlanStepByStep) {
  ChannelPlan plan;
  plan.topology.exchanges = {{.name = "e", .type = "topic"},
                             {.name = "f", .declare = Declare::kPassive}};
  plan.topology.queues = {
      {.name = "q", .arguments = {{"x-max-length", std::int64_t{5}}}}};
  plan.topology.bindings = {{.exchange = "e", .routing_key = "#"}};
  plan.confirms = Confirms::kOn;
  plan.prefetch = 100;
  plan.consumer = Consumer{.tag = "mine"};
  ASSERT_TRUE(session_.OpenChannel(plan, &channel_, now_).ok());

  EXPECT_EQ(SentMethods(), Methods{AMQP_CHANNEL_OPEN_METHOD});
  Receive(1, frame::ChannelOpenOk{});
  EXPECT_EQ(SentMethods(), Methods{AMQP_EXCHANGE_DECLARE_METHOD});
  Receive(1, frame::ExchangeDeclareOk{});
  EXPECT_EQ(SentMethods(), Methods{AMQP_EXCHANGE_DECLARE_METHOD});
  Receive(1, frame::ExchangeDeclareOk{});
  EXPECT_EQ(SentMethods(), Methods{AMQP_QUEUE_DECLARE_METHOD});
  Receive(1, frame::QueueDeclareOk{"q", 0, 0});
  EXPECT_EQ(SentMethods(), Methods{AMQP_QUEUE_BIND_METHOD});
  Receive(1, frame::QueueBindOk{});
  EXPECT_EQ(SentMethods(), Methods{AMQP_CONFIRM_SELECT_METHOD});
  Receive(1, frame::ConfirmSelectOk{});
  EXPECT_EQ(SentMethods(), Methods{AMQP_BASIC_QOS_METHOD});
  Receive(1, frame::QosOk{});
  EXPECT_EQ(SentMethods(), Methods{AMQP_BASIC_CONSUME_METHOD});
  EXPECT_EQ(trace_, Trace{});
  Receive(1, frame::ConsumeOk{"mine"});
  EXPECT_EQ(trace_, Trace{"ready"});
  EXPECT_EQ(channel_.names.queue, "q");
  EXPECT_EQ(channel_.names.consumer_tag, "mine");
  EXPECT_EQ(session_.NextWake() - now_, std::chrono::seconds(5))
      << "only heartbeats are due";
}

TEST_F(Channels, EncodeWhatThePlanSays) {
  ChannelPlan plan;
  plan.topology.queues = {
      {.name = "q",
       .durable = false,
       .exclusive = true,
       .arguments = {{"x-queue-type", std::string("quorum")}}}};
  plan.consumer = Consumer{.acks = AckPolicy::kNone};
  ASSERT_TRUE(session_.OpenChannel(plan, &channel_, now_).ok());
  Receive(1, frame::ChannelOpenOk{});
  const std::vector<SentFrame> declared = Sent();
  ASSERT_EQ(declared.size(), 2u);
  const auto& declare = Arguments<amqp_queue_declare_t>(declared[1], pool_);
  EXPECT_EQ(ToView(declare.queue), "q");
  EXPECT_FALSE(declare.durable);
  EXPECT_TRUE(declare.exclusive);
  EXPECT_FALSE(declare.passive);
  ASSERT_EQ(declare.arguments.num_entries, 1);
  EXPECT_EQ(ToView(declare.arguments.entries[0].value.value.bytes), "quorum");
  Receive(1, frame::QueueDeclareOk{"q", 0, 0});
  const std::vector<SentFrame> consumed = Sent();
  ASSERT_EQ(consumed.size(), 1u);
  const auto& consume = Arguments<amqp_basic_consume_t>(consumed[0], pool_);
  EXPECT_TRUE(consume.no_ack);
  EXPECT_EQ(ToView(consume.queue), "");
}

struct RefusedStep {
  std::uint16_t code;
  absl::StatusCode status;
  Retry retry;
};

class RefusedSteps : public Channels,
                     public ::testing::WithParamInterface<RefusedStep> {};

TEST_P(RefusedSteps, NameTheStepAndSayWhetherToTryAgain) {
  ASSERT_TRUE(session_.OpenChannel(ConsumingPlan(), &channel_, now_).ok());
  Receive(1, frame::ChannelOpenOk{});
  Sent();
  Receive(1, frame::ChannelClose{GetParam().code, "THE_BROKER - its words"});
  EXPECT_EQ(SentMethods(), Methods{AMQP_CHANNEL_CLOSE_OK_METHOD});
  ASSERT_TRUE(channel_.ending.has_value());
  EXPECT_EQ(channel_.ending->status.code(), GetParam().status);
  EXPECT_EQ(channel_.ending->retry, GetParam().retry);
  EXPECT_TRUE(EndMentions("declaring queue ''")) << channel_.ending->status;
  EXPECT_TRUE(EndMentions("THE_BROKER - its words"));
  EXPECT_TRUE(session_.open());
}

INSTANTIATE_TEST_SUITE_P(
    All, RefusedSteps,
    ::testing::Values(
        RefusedStep{403, absl::StatusCode::kPermissionDenied, Retry::kNever},
        RefusedStep{404, absl::StatusCode::kNotFound, Retry::kYes},
        RefusedStep{405, absl::StatusCode::kFailedPrecondition, Retry::kYes},
        RefusedStep{406, absl::StatusCode::kFailedPrecondition,
                    Retry::kNever}));

// A plan whose last step finds that a name is missing.
struct MissingName {
  std::string words;
  Topology topology;
  std::optional<Consumer> consumer;
  Retry retry;
};

constexpr Declare kPassive = Declare::kPassive;

class MissingNames : public Channels,
                     public ::testing::WithParamInterface<MissingName> {};

TEST_P(MissingNames, AreWaitedForOnlyWhereThePlanItselfMakesThem) {
  const auto& [words, topology, consumer, retry] = GetParam();
  ASSERT_TRUE(session_
                  .OpenChannel({.topology = topology, .consumer = consumer},
                               &channel_, now_)
                  .ok());
  Receive(1, frame::ChannelOpenOk{});
  std::vector<FramePayload> answers(topology.exchanges.size(),
                                    frame::ExchangeDeclareOk{});
  answers.resize(answers.size() + topology.queues.size(),
                 frame::QueueDeclareOk{"q", 0, 0});
  answers.resize(answers.size() + topology.bindings.size(),
                 frame::QueueBindOk{});
  if (!consumer.has_value()) answers.pop_back();
  for (const FramePayload& answer : answers) Receive(1, answer);
  Receive(1, frame::ChannelClose{404, "NOT_FOUND - no such name"});
  ASSERT_TRUE(channel_.ending.has_value());
  EXPECT_TRUE(EndMentions(words)) << channel_.ending->status;
  EXPECT_EQ(channel_.ending->status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(channel_.ending->retry, retry);
}

INSTANTIATE_TEST_SUITE_P(
    All, MissingNames,
    ::testing::Values(
        MissingName{"checking exchange 'x'",
                    {.exchanges = {{.name = "x", .declare = kPassive}}},
                    std::nullopt,
                    Retry::kNever},
        MissingName{"checking queue 'q'",
                    {.queues = {{.name = "q", .declare = kPassive}}},
                    std::nullopt,
                    Retry::kNever},
        MissingName{"binding queue 'q' to exchange 'x'",
                    {.exchanges = {{.name = "x"}},
                     .queues = {{.name = "q"}},
                     .bindings = {{.exchange = "x", .queue = "q"}}},
                    std::nullopt,
                    Retry::kYes},
        MissingName{"binding queue 'q' to exchange 'x'",
                    {.queues = {{.name = "q"}},
                     .bindings = {{.exchange = "x", .queue = "q"}}},
                    std::nullopt,
                    Retry::kNever},
        MissingName{"binding queue 'q' to exchange 'x'",
                    {.exchanges = {{.name = "x"}},
                     .queues = {{.name = "q", .declare = kPassive}},
                     .bindings = {{.exchange = "x", .queue = "q"}}},
                    std::nullopt,
                    Retry::kNever},
        // Exchanges of these names are never missing.
        MissingName{"binding queue 'q' to exchange 'amq.direct'",
                    {.queues = {{.name = "q"}},
                     .bindings = {{.exchange = "amq.direct", .queue = "q"}}},
                    std::nullopt,
                    Retry::kYes},
        MissingName{"consuming from queue 'q'",
                    {.queues = {{.name = "q"}}},
                    Consumer{.queue = "q"},
                    Retry::kYes},
        MissingName{"consuming from queue ''",
                    {.queues = {{.name = "q"}}},
                    Consumer{},
                    Retry::kYes},
        MissingName{"consuming from queue 'other'",
                    {.queues = {{.name = "q"}}},
                    Consumer{.queue = "other"},
                    Retry::kNever},
        MissingName{"consuming from queue 'q'",
                    {},
                    Consumer{.queue = "q"},
                    Retry::kNever}));

TEST_F(Channels, StepThatIsNotAnsweredEndsTheConnection) {
  ASSERT_TRUE(session_.OpenChannel(ConsumingPlan(), &channel_, now_).ok());
  Receive(1, frame::ChannelOpenOk{});
  Advance(absl::Seconds(4.9));
  EXPECT_FALSE(session_.closed());
  Receive(0, frame::Heartbeat{});
  Advance(absl::Seconds(0.1));
  ASSERT_EQ(EndCode(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(EndMentions("declaring queue"));
}

TEST_F(Channels, AnswerToAnotherStepEndsTheConnection) {
  ASSERT_TRUE(session_.OpenChannel(ConsumingPlan(), &channel_, now_).ok());
  Receive(1, frame::ChannelOpenOk{});
  Receive(1, frame::ConsumeOk{"x"});
  ASSERT_EQ(EndCode(), absl::StatusCode::kInternal);
}

TEST_F(Channels, PlanThatCannotBeEncodedIsRefusedWithoutHarm) {
  ChannelPlan plan;
  plan.topology.queues = {{.name = std::string(256, 'q')}};
  ASSERT_TRUE(session_.OpenChannel(plan, &channel_, now_).ok());
  Receive(1, frame::ChannelOpenOk{});
  EXPECT_EQ(SentMethods(),
            (Methods{AMQP_CHANNEL_OPEN_METHOD, AMQP_CHANNEL_CLOSE_METHOD}));
  Receive(1, frame::ChannelCloseOk{});
  ASSERT_TRUE(channel_.ending.has_value());
  EXPECT_EQ(channel_.ending->status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(channel_.ending->retry, Retry::kNever);
  EXPECT_TRUE(session_.open());
}

TEST_F(Channels, ReturnComesBeforeItsAck) {
  const ChannelId id = OpenReady(ConfirmingPlan(), &channel_);
  EXPECT_EQ(Publish(id), 1u);
  Receive(1, frame::Return{312, "NO_ROUTE", "", "nowhere"});
  Receive(1, frame::ContentHeader{1});
  Receive(1, frame::Body{"x"});
  Receive(1, frame::Ack{1, false});
  EXPECT_EQ(trace_, (Trace{"return:312", "ack:1"}));
  EXPECT_EQ(channel_.returns[0].text, "NO_ROUTE");
  EXPECT_EQ(channel_.returns[0].message.routing_key, "nowhere");
  EXPECT_EQ(channel_.returns[0].message.body, "x");
}

TEST_F(Channels, ConfirmsAreToldOneByOne) {
  const ChannelId id = OpenReady(ConfirmingPlan(), &channel_);
  for (std::uint64_t i = 1; i <= 5; ++i) EXPECT_EQ(Publish(id), i);
  Receive(1, frame::Ack{2, false});
  Receive(1, frame::Nack{3, true});
  Receive(1, frame::Ack{5, true});
  EXPECT_EQ(trace_, (Trace{"ack:2", "nack:1", "nack:3", "ack:4", "ack:5"}));
}

TEST_F(Channels, PublishWithoutConfirmsHasNoSequence) {
  const ChannelId id = OpenReady({}, &channel_);
  EXPECT_EQ(Publish(id), 0u);
}

TEST_F(Channels, ConfirmThatNothingWaitsForEndsTheConnection) {
  const ChannelId id = OpenReady(ConfirmingPlan(), &channel_);
  Publish(id);
  Receive(1, frame::Ack{2, false});
  ASSERT_EQ(EndCode(), absl::StatusCode::kInternal);
  EXPECT_EQ(channel_.ending->retry, Retry::kYes);
}

TEST_F(Channels, SecondConfirmOfOnePublishEndsTheConnection) {
  const ChannelId id = OpenReady(ConfirmingPlan(), &channel_);
  Publish(id);
  Publish(id);
  Receive(1, frame::Ack{2, false});
  Receive(1, frame::Ack{2, false});
  ASSERT_EQ(EndCode(), absl::StatusCode::kInternal);
}

TEST_F(Channels, PublishIsMethodHeaderAndBodyInFrames) {
  const ChannelId id = OpenReady({}, &channel_);
  ASSERT_TRUE(session_
                  .Publish(id, "ex", "key", Properties(),
                           std::string(1000, 'x'), Mandatory::kYes)
                  .ok());
  const std::vector<SentFrame> sent = Sent();
  ASSERT_EQ(sent.size(), 3u);
  const auto& publish = Arguments<amqp_basic_publish_t>(sent[0], pool_);
  EXPECT_EQ(ToView(publish.exchange), "ex");
  EXPECT_EQ(ToView(publish.routing_key), "key");
  EXPECT_TRUE(publish.mandatory);
  EXPECT_EQ(sent[1].type, AMQP_FRAME_HEADER);
  EXPECT_EQ(BigEndian(sent[1].payload.substr(4, 8)), 1000u);
  EXPECT_EQ(sent[2].payload, std::string(1000, 'x'));
}

TEST_F(Channels, PublishOfWhatCannotBeEncodedSendsNothing) {
  const ChannelId id = OpenReady(ConfirmingPlan(), &channel_);
  Properties too_long;
  too_long.message_id = std::string_view(std::string(256, 'x'));
  Properties nameless;
  nameless.headers = {{"", true}};
  for (const Properties& properties : {too_long, nameless}) {
    EXPECT_EQ(session_.Publish(id, "", "q", properties, "x", Mandatory::kNo)
                  .status()
                  .code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(
      session_.Publish(id, "", "q", {}, std::string(1001, 'x'), Mandatory::kNo)
          .status()
          .code(),
      absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(session_.out().empty());
  EXPECT_EQ(Publish(id), 1u) << "a refused publish must not take a number";
}

TEST_F(Channels, SettleDeliveries) {
  const ChannelId id = OpenReady(ConsumingPlan(), &channel_);
  session_.Ack(id, 9, AckMode::kMultiple);
  session_.Reject(id, 10, Requeue::kYes);
  const std::vector<SentFrame> sent = Sent();
  ASSERT_EQ(sent.size(), 2u);
  const auto& ack = Arguments<amqp_basic_ack_t>(sent[0], pool_);
  EXPECT_EQ(ack.delivery_tag, 9u);
  EXPECT_TRUE(ack.multiple);
  const auto& reject = Arguments<amqp_basic_reject_t>(sent[1], pool_);
  EXPECT_EQ(reject.delivery_tag, 10u);
  EXPECT_TRUE(reject.requeue);
}

TEST_F(Channels, CommandsFromWithinADeliveryWork) {
  const ChannelId id = OpenReady(ConsumingPlan(), &channel_);
  channel_.on_delivery = [&] {
    session_.Ack(id, 1, AckMode::kSingle);
    Publish(id);
    session_.CloseChannel(id);
  };
  ReceiveMessage(1, 1, "x");
  EXPECT_EQ(SentMethods(),
            (Methods{AMQP_BASIC_ACK_METHOD, AMQP_BASIC_PUBLISH_METHOD,
                     AMQP_CHANNEL_CLOSE_METHOD}));
}

TEST_F(Channels, ChannelMayBeOpenedAgainFromWithinItsEnd) {
  OpenReady({}, &channel_);
  TracingChannel next(&trace_);
  channel_.on_closed = [&] {
    EXPECT_TRUE(session_.OpenChannel({}, &next, now_).ok());
  };
  Receive(1, frame::ChannelClose{406, "PRECONDITION_FAILED - timeout"});
  EXPECT_EQ(channel_.ending->retry, Retry::kYes);
  Receive(2, frame::ChannelOpenOk{});
  EXPECT_EQ(trace_, (Trace{"channel-closed", "ready"}));
}

TEST_F(Channels, StoppedFlowTakesNoPublishesAndIsAnswered) {
  const ChannelId id = OpenReady({}, &channel_);
  Receive(1, frame::ChannelFlow{false});
  EXPECT_EQ(SentMethods(), Methods{AMQP_CHANNEL_FLOW_OK_METHOD});
  EXPECT_FALSE(session_.CanPublish(id));
  Receive(1, frame::ChannelFlow{true});
  EXPECT_TRUE(session_.CanPublish(id));
}

// AMQP has a broker wait for the answer; one that does not, and does not read,
// would have us keep an answer to each.
TEST_F(Channels, FlowBeforeTheLastIsAnsweredEndsTheConnection) {
  OpenReady({}, &channel_);
  Receive(1, frame::ChannelFlow{false});
  EXPECT_TRUE(session_.open());
  session_.out().Sent(session_.out().size() - 1);
  Receive(1, frame::ChannelFlow{true});
  ASSERT_EQ(EndCode(), absl::StatusCode::kInternal);
}

class Unasked : public Channels,
                public ::testing::WithParamInterface<FramePayload> {};

TEST_P(Unasked, EndsTheConnection) {
  OpenReady({}, &channel_);
  Receive(1, GetParam());
  ASSERT_EQ(EndCode(), absl::StatusCode::kInternal);
  EXPECT_TRUE(EndMentions("unasked")) << channel_.ending->status;
}

INSTANTIATE_TEST_SUITE_P(
    Frames, Unasked,
    ::testing::Values(frame::Deliver{"ctag", 1, false, "", "q"},
                      frame::Cancel{"ctag"}, frame::CancelOk{"ctag"}),
    [](const auto& tested) { return std::to_string(tested.index); });

TEST_F(Channels, ReturnBeforeTheChannelIsReadyEndsTheConnection) {
  ASSERT_TRUE(session_.OpenChannel({}, &channel_, now_).ok());
  Receive(1, frame::Return{312, "NO_ROUTE", "", "q"});
  ASSERT_EQ(EndCode(), absl::StatusCode::kInternal);
}

// Brokers answer basic.consume first, but not each promises to.
TEST_F(Channels, DeliveryMayComeBeforeTheAnswerToConsume) {
  ChannelPlan plan;
  plan.consumer = Consumer{};
  ASSERT_TRUE(session_.OpenChannel(std::move(plan), &channel_, now_).ok());
  Receive(1, frame::ChannelOpenOk{});
  ReceiveMessage(1, 1, "x");
  Receive(1, frame::ConsumeOk{"ctag"});
  EXPECT_EQ(trace_, (Trace{"delivery:1", "ready"}));
}

TEST_F(Channels, ConsumerThatTheBrokerCancelsIsTold) {
  OpenReady(ConsumingPlan(), &channel_);
  Receive(1, frame::Cancel{"ctag"});
  EXPECT_EQ(trace_, Trace{"consumer-cancelled"});
  EXPECT_TRUE(session_.open());
}

TEST_F(Channels, CancelledConsumerDeliversUntilTheAnswer) {
  const ChannelId id = OpenReady(ConsumingPlan(), &channel_);
  session_.CancelConsumer(id);
  session_.CancelConsumer(id);
  const std::vector<SentFrame> sent = Sent();
  ASSERT_EQ(MethodsOf(sent), Methods{AMQP_BASIC_CANCEL_METHOD});
  EXPECT_EQ(ToView(Arguments<amqp_basic_cancel_t>(sent[0], pool_).consumer_tag),
            "ctag");
  ReceiveMessage(1, 1, "x");
  Receive(1, frame::CancelOk{"ctag"});
  EXPECT_EQ(trace_, (Trace{"delivery:1", "cancelled"}));
  session_.Ack(id, 1, AckMode::kSingle);
  EXPECT_EQ(SentMethods(), Methods{AMQP_BASIC_ACK_METHOD});
}

TEST_F(Channels, UnansweredCancelEndsTheConnectionByItsName) {
  session_.CancelConsumer(OpenReady(ConsumingPlan(), &channel_));
  Advance(absl::Seconds(5));
  ASSERT_EQ(EndCode(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(EndMentions("cancelling the consumer"));
}

TEST_F(Channels, CancelOkUnaskedEndsTheConnection) {
  OpenReady(ConsumingPlan(), &channel_);
  Receive(1, frame::CancelOk{"ctag"});
  ASSERT_EQ(EndCode(), absl::StatusCode::kInternal);
}

TEST_F(Channels, CloseDropsWhatComesBeforeTheAnswer) {
  const ChannelId id = OpenReady(ConsumingPlan(), &channel_);
  session_.CloseChannel(id);
  session_.CloseChannel(id);
  EXPECT_EQ(SentMethods(), Methods{AMQP_CHANNEL_CLOSE_METHOD});
  EXPECT_EQ(trace_, Trace{"channel-closed"});
  ReceiveMessage(1, 1, "x");
  EXPECT_FALSE(session_.CanPublish(id));
  Receive(1, frame::ChannelCloseOk{});
  EXPECT_EQ(trace_, Trace{"channel-closed"});
  EXPECT_EQ(channel_.ending->status.code(), absl::StatusCode::kCancelled);
}

TEST_F(Channels, ClosesThatCrossEndTheChannelOnce) {
  const ChannelId id = OpenReady({}, &channel_);
  session_.CloseChannel(id);
  Receive(1, frame::ChannelClose{406, "PRECONDITION_FAILED"});
  Receive(1, frame::ChannelCloseOk{});
  EXPECT_EQ(trace_, Trace{"channel-closed"});
  EXPECT_TRUE(session_.open());
}

TEST_F(Channels, CloseThatKeepsDeliveriesFromOthersIsToBeAnswered) {
  const ChannelId id = OpenReady(ConsumingPlan(), &channel_);
  session_.CloseChannel(id);
  Receive(0, frame::Heartbeat{});
  Advance(absl::Seconds(5));
  ASSERT_EQ(EndCode(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(trace_, (Trace{"channel-closed", "closed"}));
}

TEST_F(Channels, CloseThatKeepsNothingNeedsNoAnswer) {
  const ChannelId id = OpenReady({}, &channel_);
  session_.CloseChannel(id);
  Receive(0, frame::Heartbeat{});
  Advance(absl::Seconds(5));
  EXPECT_TRUE(session_.open());
}

TEST_F(Channels, ConfirmsEndWithTheOwnersClose) {
  const ChannelId id = OpenReady(ConfirmingPlan(), &channel_);
  Publish(id);
  Publish(id);
  channel_.on_confirm = [&] { session_.CloseChannel(id); };
  Receive(1, frame::Nack{2, true});
  EXPECT_EQ(trace_, (Trace{"nack:1", "channel-closed"}));
}

TEST_F(Channels, CommandsToAClosedChannelDoNothing) {
  const ChannelId id = OpenReady(ConsumingPlan(), &channel_);
  Receive(1, frame::ChannelClose{404, "NOT_FOUND"});
  Sent();
  session_.Ack(id, 1, AckMode::kSingle);
  session_.Reject(id, 1, Requeue::kNo);
  session_.CancelConsumer(id);
  session_.CloseChannel(id);
  EXPECT_FALSE(session_.Publish(id, "", "q", {}, "x", Mandatory::kNo).ok());
  EXPECT_TRUE(session_.out().empty());
}

}  // namespace
}  // namespace rpc::amqp
