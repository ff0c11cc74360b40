#include "rpc/amqp/session.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "tests/amqp/session_fixture.h"

namespace rpc::amqp {
namespace {

using Methods = std::vector<std::uint32_t>;

class Sessions : public SessionTest {
 protected:
  void SetUp() override { LogIn(); }
};

TEST_F(Sessions, HeartbeatIsSentAfterHalfTheIntervalOfSilence) {
  Advance(absl::Seconds(4.9));
  EXPECT_TRUE(session_.out().empty());
  EXPECT_LE(session_.NextWake() - now_, std::chrono::milliseconds(100));
  Receive(0, frame::Heartbeat{});
  Advance(absl::Seconds(0.1));
  const std::vector<SentFrame> sent = Sent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].type, AMQP_FRAME_HEARTBEAT);
  EXPECT_EQ(sent[0].channel, 0);
}

TEST_F(Sessions, TrafficTakesThePlaceOfHeartbeats) {
  const ChannelId id = OpenReady({}, &channel_);
  for (int i = 0; i < 10; ++i) {
    Publish(id);
    Receive(0, frame::Heartbeat{});
    Advance(absl::Seconds(4));
    AnswerProbe(1);
    for (const SentFrame& frame : Sent()) {
      EXPECT_NE(frame.type, AMQP_FRAME_HEARTBEAT);
    }
  }
}

TEST_F(Sessions, HeartbeatsDoNotPileUpBehindASlowPeer) {
  for (int i = 0; i < 4; ++i) {
    Receive(0, frame::Heartbeat{});
    Advance(absl::Seconds(5));
  }
  EXPECT_EQ(Sent().size(), 1u);
}

TEST_F(Sessions, PeerThatTakesNothingIsDeadThoughItSpeaks) {
  Publish(OpenReady({}, &channel_));
  for (int i = 0; i < 3; ++i) {
    Advance(absl::Seconds(5));
    Receive(0, frame::Heartbeat{});
  }
  session_.out().Sent(1);
  for (int i = 0; i < 4; ++i) {
    Advance(absl::Seconds(5));
    Receive(0, frame::Heartbeat{});
    EXPECT_FALSE(session_.closed()) << "it took a byte";
  }
  Advance(absl::Seconds(5));
  ASSERT_EQ(EndCode(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(listener_.ending->retry, Retry::kYes);
}

TEST_F(Sessions, BlockingPeerMayTakeNothingForAsLongAsItLikes) {
  Publish(OpenReady({}, &channel_));
  Receive(0, frame::Blocked{"low on disk"});
  for (int i = 0; i < 100; ++i) {
    Advance(absl::Seconds(5));
    Receive(0, frame::Heartbeat{});
  }
  EXPECT_FALSE(session_.closed());
  Receive(0, frame::Unblocked{});
  Advance(absl::Seconds(5));
  EXPECT_FALSE(session_.closed());
}

TEST_F(Sessions, PeerIsDeadAfterTwoSilentHeartbeats) {
  Advance(absl::Seconds(19.9));
  EXPECT_FALSE(session_.closed());
  Advance(absl::Seconds(0.1));
  ASSERT_EQ(EndCode(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(listener_.ending->retry, Retry::kYes);
}

TEST_F(Sessions, BrokerIsAskedEachHalfHeartbeatWhetherItReads) {
  OpenReady({}, &channel_);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(session_.NextWake() - now_, std::chrono::seconds(5));
    Advance(absl::Seconds(5));
    const std::vector<SentFrame> sent = Sent();
    ASSERT_EQ(sent.size(), 1u) << "in the place of a heartbeat";
    EXPECT_EQ(sent[0].channel, 1);
    ASSERT_EQ(sent[0].method, AMQP_CHANNEL_FLOW_METHOD);
    EXPECT_TRUE(Arguments<amqp_channel_flow_t>(sent[0], pool_).active);
    Receive(1, frame::ChannelFlowOk{});
  }
  EXPECT_EQ(trace_, Trace{});
}

TEST_F(Sessions, BrokerThatSpeaksButDoesNotReadIsDeadAfterTwoHeartbeats) {
  OpenReady({}, &channel_);
  const TimePoint from = now_;
  while (!session_.closed()) {
    now_ = session_.NextWake();
    session_.OnTime(now_);
    Receive(0, frame::Heartbeat{});
    Sent();
    ASSERT_LE(now_ - from, std::chrono::seconds(20));
  }
  EXPECT_EQ(now_ - from, std::chrono::seconds(20));
  EXPECT_EQ(EndCode(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(listener_.ending->retry, Retry::kYes);
}

TEST_F(Sessions, AnswerMayWaitBehindOthersOfTheBroker) {
  OpenReady(ConsumingPlan(), &channel_);
  for (int second = 0; second < 60; ++second) {
    Advance(absl::Seconds(1));
    ReceiveMessage(1, static_cast<std::uint64_t>(second + 1), "x");
    Sent();
  }
  EXPECT_FALSE(session_.closed());
  AnswerProbe(1);
  EXPECT_FALSE(session_.closed());
}

TEST_F(Sessions, BlockingBrokerNeedNotAnswerTheProbe) {
  OpenReady({}, &channel_);
  Advance(absl::Seconds(5));
  Sent();
  Receive(0, frame::Blocked{"low on disk"});
  for (int i = 0; i < 100; ++i) {
    Advance(absl::Seconds(5));
    Receive(0, frame::Heartbeat{});
    Sent();
  }
  Receive(0, frame::Unblocked{});
  Receive(1, frame::ChannelFlowOk{});
  EXPECT_FALSE(session_.closed());
}

TEST_F(Sessions, BlockingBrokerIsNotAsked) {
  OpenReady({}, &channel_);
  Receive(0, frame::Blocked{"low on disk"});
  Advance(absl::Seconds(6));
  EXPECT_EQ(MethodsOf(Sent()), Methods{});
}

TEST_F(Sessions, ChannelThatIsClosedOwesNoAnswer) {
  OpenReady({}, &channel_);
  Advance(absl::Seconds(5));
  Receive(1, frame::ChannelClose{404, "gone"});
  for (int i = 0; i < 20; ++i) {
    Advance(absl::Seconds(5));
    Receive(0, frame::Heartbeat{});
    Sent();
  }
  EXPECT_FALSE(session_.closed());
}

TEST_F(Sessions, AnswerThatNobodyAskedForEndsIt) {
  OpenReady({}, &channel_);
  Receive(1, frame::ChannelFlowOk{});
  EXPECT_EQ(EndCode(), absl::StatusCode::kInternal);
}

TEST_F(Sessions, AnyFrameKeepsThePeerAlive) {
  Advance(absl::Seconds(19.9));
  Receive(0, frame::Heartbeat{});
  Advance(absl::Seconds(19.9));
  EXPECT_FALSE(session_.closed());
}

TEST_F(Sessions, BlockedConnectionTakesNoPublishes) {
  const ChannelId id = OpenReady({}, &channel_);
  EXPECT_TRUE(session_.CanPublish(id));
  Receive(0, frame::Blocked{"low on memory"});
  EXPECT_FALSE(session_.CanPublish(id));
  EXPECT_EQ(
      session_.Publish(id, "", "q", {}, "x", Mandatory::kNo).status().code(),
      absl::StatusCode::kUnavailable);
  Receive(0, frame::Unblocked{});
  EXPECT_TRUE(session_.CanPublish(id));
  EXPECT_EQ(trace_, (Trace{"blocked:low on memory", "unblocked"}));
}

TEST_F(Sessions, FullBufferTakesNoPublishesUntilItIsSent) {
  const ChannelId id = OpenReady({}, &channel_);
  int published = 0;
  for (; session_.CanPublish(id); ++published) Publish(id, "12586269025");
  EXPECT_GT(published, 100);
  EXPECT_LT(session_.out().size(), 66 * 1024u);
  session_.out().Sent(session_.out().size());
  EXPECT_TRUE(session_.CanPublish(id));
}

TEST_F(Sessions, ConnectionCloseIsAnsweredAndEndsChannelsFirst) {
  OpenReady({}, &channel_);
  Receive(0, frame::Close{320, "CONNECTION_FORCED - by operator", 0, 0});
  EXPECT_EQ(MethodsOf(Sent()), (Methods{AMQP_CONNECTION_CLOSE_OK_METHOD}));
  ASSERT_EQ(trace_, (Trace{"channel-closed", "closed"}));
  ASSERT_EQ(EndCode(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(channel_.ending->status, listener_.ending->status);
  EXPECT_TRUE(absl::StrContains(listener_.ending->status.message(),
                                "CONNECTION_FORCED - by operator (320)"));
}

TEST_F(Sessions, HardErrorOverADeclarationIsNotTriedAgain) {
  ChannelPlan plan;
  plan.topology.exchanges = {{.name = "e", .type = "nonsense"}};
  ASSERT_TRUE(session_.OpenChannel(plan, &channel_, now_).ok());
  Receive(1, frame::ChannelOpenOk{});
  Receive(0,
          frame::Close{503, "COMMAND_INVALID - unknown exchange type", 40, 10});
  ASSERT_EQ(EndCode(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(listener_.ending->retry, Retry::kNever);
  EXPECT_TRUE(absl::StrContains(listener_.ending->status.message(),
                                "declaring exchange 'e'"));
}

TEST_F(Sessions, ForcedCloseDuringADeclarationIsTriedAgain) {
  ASSERT_TRUE(session_.OpenChannel(ConsumingPlan(), &channel_, now_).ok());
  Receive(0, frame::Close{320, "CONNECTION_FORCED", 0, 0});
  ASSERT_TRUE(listener_.ending.has_value());
  EXPECT_EQ(listener_.ending->retry, Retry::kYes);
}

TEST_F(Sessions, CloseSaysGoodbyeAndIgnoresWhatWasUnderWay) {
  OpenReady(ConsumingPlan(), &channel_);
  session_.Close();
  EXPECT_EQ(MethodsOf(Sent()), (Methods{AMQP_CONNECTION_CLOSE_METHOD}));
  ReceiveMessage(1, 1, "late");
  EXPECT_EQ(trace_, Trace{});
  Receive(0, frame::CloseOk{});
  EXPECT_EQ(trace_, (Trace{"channel-closed", "closed"}));
  ASSERT_EQ(EndCode(), absl::StatusCode::kCancelled);
  EXPECT_EQ(listener_.ending->retry, Retry::kNever);
}

TEST_F(Sessions, CloseThatIsNotAnsweredEndsAtTheTimeout) {
  session_.Close();
  Receive(0, frame::Heartbeat{});
  Advance(absl::Seconds(5));
  ASSERT_EQ(EndCode(), absl::StatusCode::kCancelled);
}

TEST_F(Sessions, DisconnectEndsIt) {
  OpenReady({}, &channel_);
  session_.OnDisconnected(absl::UnavailableError("reset by peer"), now_);
  EXPECT_EQ(trace_, (Trace{"channel-closed", "closed"}));
  ASSERT_EQ(EndCode(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(listener_.ending->retry, Retry::kYes);
}

TEST_F(Sessions, MalformedBytesEndItWithAWordToThePeer) {
  session_.OnMalformed(absl::InternalError("no AMQP"), now_);
  EXPECT_EQ(MethodsOf(Sent()), (Methods{AMQP_CONNECTION_CLOSE_METHOD}));
  ASSERT_EQ(EndCode(), absl::StatusCode::kInternal);
}

TEST_F(Sessions, NothingIsHeardAfterTheEnd) {
  session_.OnDisconnected(absl::UnavailableError("reset"), now_);
  trace_.clear();
  Receive(0, frame::Blocked{"late"});
  Receive(0, frame::Close{320, "late", 0, 0});
  Advance(absl::Hours(1));
  session_.OnDisconnected(absl::UnavailableError("again"), now_);
  session_.Close();
  EXPECT_EQ(trace_, Trace{});
  EXPECT_EQ(session_.NextWake(), kNever);
}

TEST_F(Sessions, MethodThatAClientNeverAsksForEndsIt) {
  Receive(0, frame::Unexpected{AMQP_TX_SELECT_OK_METHOD});
  ASSERT_EQ(EndCode(), absl::StatusCode::kInternal);
}

TEST_F(Sessions, ChannelThatWasNeverOpenedEndsIt) {
  Receive(1, frame::Ack{1, false});
  ASSERT_EQ(EndCode(), absl::StatusCode::kInternal);
  EXPECT_EQ(MethodsOf(Sent()), (Methods{AMQP_CONNECTION_CLOSE_METHOD}));
}

TEST_F(Sessions, ChannelNumbersAreNeverUsedTwice) {
  const ChannelId first = OpenReady({}, &channel_);
  session_.CloseChannel(first);
  Receive(1, frame::ChannelCloseOk{});
  TracingChannel other(&trace_);
  const ChannelId second = OpenReady({}, &other);
  EXPECT_NE(first, second);
}

TEST_F(Sessions, LateFramesOfAClosedChannelAreDropped) {
  OpenReady(ConfirmingPlan(), &channel_);
  Receive(1, frame::ChannelClose{404, "NOT_FOUND - no exchange 'x'"});
  EXPECT_EQ(MethodsOf(Sent()), (Methods{AMQP_CHANNEL_CLOSE_OK_METHOD}));
  trace_.clear();
  Receive(1, frame::Ack{7, false});
  Receive(1, frame::Deliver{});
  Receive(1, frame::ChannelCloseOk{});
  EXPECT_EQ(trace_, Trace{});
  EXPECT_TRUE(session_.open());
}

TEST_F(Sessions, OpenChannelNeedsAnOpenSession) {
  session_.Close();
  EXPECT_EQ(session_.OpenChannel({}, &channel_, now_).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

class FewChannels : public SessionTest {};

TEST_F(FewChannels, UsedUpNumbersEndTheConnectionToBeDialledAgain) {
  Receive(0, frame::Start{"PLAIN", true});
  Receive(0, frame::Tune{1, 131072, 60});
  Receive(0, frame::OpenOk{});
  OpenReady({}, &channel_);
  TracingChannel other(&trace_);
  EXPECT_EQ(session_.OpenChannel({}, &other, now_).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_LE(session_.NextWake(), now_);
  Advance(absl::ZeroDuration());
  ASSERT_EQ(EndCode(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(listener_.ending->retry, Retry::kYes);
  EXPECT_FALSE(other.ending.has_value());
}

}  // namespace
}  // namespace rpc::amqp
