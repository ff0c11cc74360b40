#include "rpc/amqp/assembly.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "tests/amqp/session_fixture.h"

namespace rpc::amqp {
namespace {

class Deliveries : public SessionTest {
 protected:
  void SetUp() override { LogIn(); }
};

TEST_F(Deliveries, ArePutTogetherFromTheirFrames) {
  OpenReady(ConsumingPlan(), &channel_);
  Properties properties;
  properties.correlation_id = "id";
  Receive(1, frame::Deliver{"ctag", 7, true, "ex", "key"});
  Receive(1, frame::ContentHeader{6, &properties});
  Receive(1, frame::Body{"abc"});
  EXPECT_EQ(trace_, Trace{});
  Receive(1, frame::Body{"def"});
  ASSERT_EQ(trace_, Trace{"delivery:7"});
  const Delivery& delivery = channel_.deliveries[0];
  EXPECT_TRUE(delivery.redelivered);
  EXPECT_FALSE(delivery.body_too_large);
  EXPECT_EQ(delivery.message.exchange, "ex");
  EXPECT_EQ(delivery.message.routing_key, "key");
  EXPECT_EQ(delivery.message.properties.correlation_id, "id");
  EXPECT_EQ(delivery.message.body, "abcdef");
}

TEST_F(Deliveries, LeaveNothingInTheNext) {
  OpenReady(ConsumingPlan(), &channel_);
  Properties properties;
  properties.correlation_id = "id";
  properties.headers = {{"k", true}};
  Receive(1, frame::Deliver{"ctag", 1, true, "ex", "key"});
  Receive(1, frame::ContentHeader{3, &properties});
  Receive(1, frame::Body{"abc"});
  ReceiveMessage(1, 2, "");
  ASSERT_EQ(channel_.deliveries.size(), 2u);
  const Delivery& second = channel_.deliveries[1];
  EXPECT_FALSE(second.redelivered);
  EXPECT_TRUE(second.message.exchange.empty());
  EXPECT_TRUE(second.message.properties.correlation_id.empty());
  EXPECT_TRUE(second.message.properties.headers.empty());
  EXPECT_TRUE(second.message.body.empty());
}

TEST_F(Deliveries, BodyOverTheLimitIsSkippedAndSaidSo) {
  OpenReady(ConsumingPlan(), &channel_);
  ReceiveMessage(1, 1, std::string(1001, 'x'));
  ReceiveMessage(1, 2, std::string(1000, 'x'));
  ASSERT_EQ(channel_.deliveries.size(), 2u);
  EXPECT_TRUE(channel_.deliveries[0].body_too_large);
  EXPECT_TRUE(channel_.deliveries[0].message.body.empty());
  EXPECT_FALSE(channel_.deliveries[1].body_too_large);
  EXPECT_EQ(channel_.deliveries[1].message.body.size(), 1000u);
}

TEST_F(Deliveries, BodySizeOfALiarReservesNothing) {
  OpenReady(ConsumingPlan(), &channel_);
  Receive(1, frame::Deliver{"ctag", 1, false, "", "q"});
  Receive(1, frame::ContentHeader{~std::uint64_t{0}});
  Receive(1, frame::Body{"abc"});
  EXPECT_TRUE(session_.open());
  EXPECT_EQ(trace_, Trace{});
}

TEST_F(Deliveries, BodyLongerThanAnnouncedEndsTheConnection) {
  OpenReady(ConsumingPlan(), &channel_);
  Receive(1, frame::Deliver{"ctag", 1, false, "", "q"});
  Receive(1, frame::ContentHeader{2});
  Receive(1, frame::Body{"abc"});
  EXPECT_EQ(EndCode(), absl::StatusCode::kInternal);
}

TEST_F(Deliveries, FramesOfAMessageOutOfTurnEndTheConnection) {
  OpenReady(ConsumingPlan(), &channel_);
  Receive(1, frame::Deliver{"ctag", 1, false, "", "q"});
  Receive(1, frame::Body{"abc"});
  EXPECT_EQ(EndCode(), absl::StatusCode::kInternal);
}

TEST_F(Deliveries, SecondDeliverBeforeTheFirstIsCompleteEndsTheConnection) {
  OpenReady(ConsumingPlan(), &channel_);
  Receive(1, frame::Deliver{"ctag", 1, false, "", "q"});
  Receive(1, frame::Deliver{"ctag", 2, false, "", "q"});
  EXPECT_EQ(EndCode(), absl::StatusCode::kInternal);
}

TEST_F(Deliveries, TrickledMessageEndsTheConnectionAtItsTimeLimit) {
  OpenReady(ConsumingPlan(), &channel_);
  Receive(1, frame::Deliver{"ctag", 1, false, "", "q"});
  Receive(1, frame::ContentHeader{100});
  for (int second = 0; second < 29; ++second) {
    Advance(absl::Seconds(1));
    Receive(1, frame::Body{"x"});
    Sent();
    ASSERT_FALSE(session_.closed()) << second;
  }
  Advance(absl::Seconds(1));
  ASSERT_EQ(EndCode(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(
      absl::StrContains(listener_.ending->status.message(), "within 30s"));
}

TEST_F(Deliveries, CompleteMessageHasNoTimeLimit) {
  OpenReady(ConsumingPlan(), &channel_);
  ReceiveMessage(1, 1, "x");
  for (int i = 0; i < 10; ++i) {
    Advance(absl::Seconds(10));
    Receive(0, frame::Heartbeat{});
    AnswerProbe(1);
    Sent();
  }
  EXPECT_FALSE(session_.closed());
}

}  // namespace
}  // namespace rpc::amqp
