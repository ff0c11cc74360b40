#include "rpc/transport/rabbitmq_calls.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/amqp/frames.h"
#include "rpc/amqp/rabbitmq_c.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/rabbitmq_counters.h"
#include "rpc/transport/rabbitmq_options.h"
#include "rpc/transport/rabbitmq_topology.h"
#include "rpc/transport/transport_events.h"
#include "tests/amqp/sent_frames.h"
#include "tests/amqp/session_fixture.h"

namespace rpc::rabbitmq {
namespace {

class RecordingEvents final : public CallEvents {
 public:
  bool Claim(std::string_view) override { return true; }
  void OnReply(Reply reply) override { replies.push_back(std::move(reply)); }
  void OnLost(const absl::Status&) override { ++losses; }
  void OnRefused(const absl::Status&) override {}
  TimePoint OnTime(TimePoint) override { return kNever; }

  std::vector<Reply> replies;
  int losses = 0;
};

// A client's half of a connection, with the test as the broker.
class RabbitMqCalls : public amqp::SessionTest {
 protected:
  void SetUp() override {
    LogIn();
    ASSERT_TRUE(calls_.Start(&events_).ok());
    Turn();
    AnswerPlan(1);
  }

  // Answers the plan of that channel, up to the channel's being ready.
  void AnswerPlan(std::uint16_t channel) {
    ASSERT_EQ(amqp::MethodsOf(Sent()),
              std::vector<std::uint32_t>{AMQP_CHANNEL_OPEN_METHOD})
        << "no channel was opened";
    Receive(channel, amqp::frame::ChannelOpenOk{});
    Receive(channel, amqp::frame::QueueDeclareOk{"amq.gen-x", 0, 0});
    Receive(channel, amqp::frame::ConfirmSelectOk{});
    Receive(channel, amqp::frame::ConsumeOk{"ctag"});
    Turn();
    Sent();
  }

  void Turn() { wake_ = calls_.OnTurn(&session_, now_); }
  void Pass(absl::Duration time) {
    Advance(time);
    Turn();
  }

  // How many requests leave, once this one is posted.
  std::ptrdiff_t Post(std::string_view id) {
    Request request;
    request.correlation_id = id;
    EXPECT_TRUE(calls_.Post(std::move(request)).ok());
    Turn();
    return std::ranges::count(amqp::MethodsOf(Sent()),
                              std::uint32_t{AMQP_BASIC_PUBLISH_METHOD});
  }
  void Return(std::uint16_t channel) {
    Receive(channel, amqp::frame::Return{312, "NO_ROUTE", "", "q"});
    Receive(channel, amqp::frame::ContentHeader{0});
  }

  static RabbitMqOptions Options() {
    RabbitMqOptions options;
    options.topology = QuorumQueue("q");
    return options;
  }

  const RabbitMqOptions options_ = Options();
  Counters counters_;
  RecordingEvents events_;
  Calls calls_{options_, &counters_};
  TimePoint wake_ = kNever;
};

TEST_F(RabbitMqCalls, DoubtfulChannelIsLeftThoughItsCloseIsNotAnswered) {
  EXPECT_EQ(Post("1"), 1);
  Pass(absl::Seconds(2));
  EXPECT_EQ(amqp::MethodsOf(Sent()),
            std::vector<std::uint32_t>{AMQP_CHANNEL_CLOSE_METHOD});
  EXPECT_EQ(events_.losses, 1);
  EXPECT_EQ(Post("2"), 0);
  EXPECT_LE(wake_, now_ + std::chrono::milliseconds(100));
  Pass(absl::Milliseconds(100));
  AnswerPlan(2);
  EXPECT_EQ(Post("3"), 1) << "the one that waited went before";
  // Nor is the connection given up for it.
  Receive(2, amqp::frame::Ack{2, true});
  Pass(absl::Seconds(10));
  EXPECT_TRUE(session_.open());
  EXPECT_EQ(events_.losses, 1);
}

TEST_F(RabbitMqCalls, ReturnProvesNothingOfAChannel) {
  EXPECT_EQ(Post("1"), 1);
  Return(1);
  Receive(1, amqp::frame::Ack{1, false});
  EXPECT_EQ(Post("2"), 1);
  Pass(absl::Seconds(2));
  EXPECT_EQ(amqp::MethodsOf(Sent()),
            std::vector<std::uint32_t>{AMQP_CHANNEL_CLOSE_METHOD});
}

TEST_F(RabbitMqCalls, ReturnsAreNoReasonToLeave) {
  // One more is always under way.
  EXPECT_EQ(Post("1"), 1);
  for (std::uint64_t tag = 1; tag < 9; ++tag) {
    Pass(absl::Milliseconds(500));
    EXPECT_EQ(Post("next"), 1);
    Return(1);
    Receive(1, amqp::frame::Ack{tag, false});
  }
  Return(1);
  Receive(1, amqp::frame::Ack{9, false});
  Pass(absl::Seconds(3));
  EXPECT_EQ(Post("last"), 1);
  EXPECT_EQ(events_.losses, 0);
}

TEST_F(RabbitMqCalls, SilenceBehindAReturnIsDoubted) {
  EXPECT_EQ(Post("1"), 1);
  EXPECT_EQ(Post("2"), 1);
  Return(1);
  Receive(1, amqp::frame::Ack{1, false});
  Pass(absl::Seconds(2));
  EXPECT_EQ(events_.losses, 1);
}

TEST_F(RabbitMqCalls, ConfirmBesideAReturnSpeaksForTheChannel) {
  EXPECT_EQ(Post("1"), 1);
  EXPECT_EQ(Post("2"), 1);
  Return(1);
  Receive(1, amqp::frame::Ack{2, true});
  EXPECT_EQ(Post("3"), 1);
  Pass(absl::Seconds(4));
  EXPECT_EQ(Post("4"), 1);
  EXPECT_EQ(events_.losses, 0);
}

TEST_F(RabbitMqCalls, YoungChannelThatFallsSilentIsLeft) {
  EXPECT_EQ(Post("1"), 1);
  Receive(1, amqp::frame::Ack{1, false});
  EXPECT_EQ(Post("2"), 1);
  Pass(absl::Seconds(5));
  EXPECT_EQ(events_.losses, 1);
}

// Or the broker, which reads no further, would not hear of the next channel.
TEST_F(RabbitMqCalls, ChannelThatWasNeverConfirmedIsGivenFew) {
  std::ptrdiff_t sent = 0;
  for (int id = 1; id <= 40; ++id) sent += Post(std::to_string(id));
  EXPECT_EQ(sent, 32);
  Receive(1, amqp::frame::Ack{1, false});
  EXPECT_EQ(Post("41"), 9) << "all that waited";
}

TEST_F(RabbitMqCalls, YoungChannelIsGivenAsManyAsTheBrokerReads) {
  EXPECT_EQ(Post("0"), 1);
  Receive(1, amqp::frame::Ack{1, false});
  std::ptrdiff_t sent = 0;
  for (int id = 1; id <= 210; ++id) sent += Post(std::to_string(id));
  EXPECT_EQ(sent, 200);
  // Not in their order.
  Receive(1, amqp::frame::Ack{3, false});
  EXPECT_EQ(Post("211"), 1);
}

TEST_F(RabbitMqCalls, ChannelThatWasConfirmedForLongIsNotLeft) {
  EXPECT_EQ(Post("1"), 1);
  Receive(1, amqp::frame::Ack{1, false});
  Pass(absl::Seconds(10));
  EXPECT_EQ(Post("2"), 1);
  Receive(1, amqp::frame::Ack{2, false});
  EXPECT_EQ(Post("3"), 1);
  Pass(absl::Seconds(15));
  EXPECT_EQ(Post("4"), 1);
  EXPECT_EQ(events_.losses, 0);
}

}  // namespace
}  // namespace rpc::rabbitmq
