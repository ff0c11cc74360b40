#include "rpc/transport/rabbitmq_settlements.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "rpc/amqp/frames.h"
#include "rpc/amqp/rabbitmq_c.h"
#include "rpc/amqp/topology.h"
#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/rabbitmq_options.h"
#include "tests/amqp/sent_frames.h"
#include "tests/amqp/session_fixture.h"

namespace rpc::rabbitmq {
namespace {

using Methods = std::vector<std::uint32_t>;

// A server's channel, with the test as the broker.
class RabbitMqSettlements : public amqp::SessionTest {
 protected:
  explicit RabbitMqSettlements(
      DeliveryGuarantee guarantee = DeliveryGuarantee::kAtLeastOnce)
      : guarantee_(guarantee) {}

  void SetUp() override {
    LogIn();
    amqp::ChannelPlan plan = ConsumingPlan();
    if (guarantee_ == DeliveryGuarantee::kAtLeastOnceConfirmed) {
      plan.confirms = amqp::Confirms::kOn;
    }
    id_ = OpenReady(std::move(plan), &channel_);
    settlements_.Begin();
  }

  // Settles the delivery of `token`, with a reply if `body` is not null.
  void Settle(std::uint64_t token, Settlement settlement,
              const char* body = nullptr) {
    const Request request = {.reply_to = "amq.gen-x"};
    Reply reply;
    if (body != nullptr) reply.body = body;
    settlements_.Settle(token, request, settlement,
                        body == nullptr ? nullptr : &reply);
  }

  bool Send() { return settlements_.Send(session_, id_); }

  const DeliveryGuarantee guarantee_;
  int wakes_ = 0;
  Settlements settlements_{1, guarantee_, [this] { ++wakes_; }};
  amqp::ChannelId id_ = {};
};

class ConfirmedSettlements : public RabbitMqSettlements {
 protected:
  ConfirmedSettlements()
      : RabbitMqSettlements(DeliveryGuarantee::kAtLeastOnceConfirmed) {}
};

class AtMostOnceSettlements : public RabbitMqSettlements {
 protected:
  AtMostOnceSettlements()
      : RabbitMqSettlements(DeliveryGuarantee::kAtMostOnce) {}
};

TEST_F(RabbitMqSettlements, ReplyLeavesBeforeItsAcknowledgement) {
  Settle(settlements_.Delivered(1), Settlement::kAck, "55");
  EXPECT_TRUE(Send());
  const std::vector<amqp::SentFrame> sent = Sent();
  EXPECT_EQ(amqp::MethodsOf(sent),
            (Methods{AMQP_BASIC_PUBLISH_METHOD, AMQP_BASIC_ACK_METHOD}));
  const auto& publish =
      amqp::Arguments<amqp_basic_publish_t>(sent.front(), pool_);
  EXPECT_EQ(amqp::ToView(publish.exchange), "");
  EXPECT_EQ(amqp::ToView(publish.routing_key), "amq.gen-x");
  const auto& ack = amqp::Arguments<amqp_basic_ack_t>(sent.back(), pool_);
  EXPECT_EQ(ack.delivery_tag, 1u);
}

TEST_F(RabbitMqSettlements, ManyRepliesShareOneAcknowledgement) {
  for (std::uint64_t tag = 1; tag <= 3; ++tag) {
    Settle(settlements_.Delivered(tag), Settlement::kAck, "55");
  }
  EXPECT_EQ(wakes_, 1);
  EXPECT_TRUE(Send());
  const std::vector<amqp::SentFrame> sent = Sent();
  EXPECT_EQ(amqp::MethodsOf(sent),
            (Methods{AMQP_BASIC_PUBLISH_METHOD, AMQP_BASIC_PUBLISH_METHOD,
                     AMQP_BASIC_PUBLISH_METHOD, AMQP_BASIC_ACK_METHOD}));
  const auto& ack = amqp::Arguments<amqp_basic_ack_t>(sent.back(), pool_);
  EXPECT_EQ(ack.delivery_tag, 3u);
  EXPECT_TRUE(ack.multiple);
}

TEST_F(RabbitMqSettlements, WithoutAReplyOnlyTheAcknowledgementLeaves) {
  Settle(settlements_.Delivered(1), Settlement::kAck);
  EXPECT_TRUE(Send());
  EXPECT_EQ(amqp::MethodsOf(Sent()), Methods{AMQP_BASIC_ACK_METHOD});
}

TEST_F(RabbitMqSettlements, GivenBackOrRejectedOnesLeaveAsRejects) {
  Settle(settlements_.Delivered(1), Settlement::kRequeue);
  Settle(settlements_.Delivered(2), Settlement::kReject, "poison");
  EXPECT_TRUE(Send());
  const std::vector<amqp::SentFrame> sent = Sent();
  ASSERT_EQ(amqp::MethodsOf(sent),
            (Methods{AMQP_BASIC_REJECT_METHOD, AMQP_BASIC_PUBLISH_METHOD,
                     AMQP_BASIC_REJECT_METHOD}));
  EXPECT_TRUE(
      amqp::Arguments<amqp_basic_reject_t>(sent.front(), pool_).requeue);
  EXPECT_FALSE(
      amqp::Arguments<amqp_basic_reject_t>(sent.back(), pool_).requeue);
}

TEST_F(RabbitMqSettlements, NothingIsAcknowledgedWhoseReplyHasToWait) {
  Settle(settlements_.Delivered(1), Settlement::kAck, "55");
  Receive(0, amqp::frame::Blocked{"memory"});
  EXPECT_FALSE(Send());
  EXPECT_TRUE(Sent().empty());
  Receive(0, amqp::frame::Unblocked{});
  EXPECT_TRUE(Send());
  EXPECT_EQ(amqp::MethodsOf(Sent()),
            (Methods{AMQP_BASIC_PUBLISH_METHOD, AMQP_BASIC_ACK_METHOD}));
}

TEST_F(RabbitMqSettlements, WhatCameOverALostChannelIsDropped) {
  const std::uint64_t lost = settlements_.Delivered(1);
  settlements_.Begin();
  const std::uint64_t current = settlements_.Delivered(1);
  EXPECT_NE(lost, current);
  Settle(lost, Settlement::kAck, "lost");
  EXPECT_TRUE(Send());
  EXPECT_TRUE(Sent().empty());
  Settle(current, Settlement::kAck, "55");
  EXPECT_TRUE(Send());
  EXPECT_EQ(amqp::MethodsOf(Sent()),
            (Methods{AMQP_BASIC_PUBLISH_METHOD, AMQP_BASIC_ACK_METHOD}));
}

TEST_F(RabbitMqSettlements, WhatWentWithItsQueueIsAnsweredOnTheNextChannel) {
  const std::uint64_t orphan = settlements_.Delivered(1);
  const std::uint64_t given_back = settlements_.Delivered(2);
  settlements_.Orphan();
  settlements_.Begin();
  Settle(orphan, Settlement::kAck, "55");
  Settle(given_back, Settlement::kRequeue);
  EXPECT_TRUE(Send());
  EXPECT_EQ(amqp::MethodsOf(Sent()), Methods{AMQP_BASIC_PUBLISH_METHOD});
  Settle(settlements_.Delivered(1), Settlement::kAck, "89");
  EXPECT_TRUE(Send());
  EXPECT_EQ(amqp::MethodsOf(Sent()),
            (Methods{AMQP_BASIC_PUBLISH_METHOD, AMQP_BASIC_ACK_METHOD}));
}

TEST_F(RabbitMqSettlements, DroppedOnesNeverLeave) {
  Settle(settlements_.Delivered(1), Settlement::kAck, "55");
  settlements_.Drop();
  EXPECT_TRUE(Send());
  EXPECT_TRUE(Sent().empty());
}

TEST_F(RabbitMqSettlements, ReplyOverTheLimitBecomesAFailure) {
  // The session's body limit.
  const std::string large(1001, 'x');
  Settle(settlements_.Delivered(1), Settlement::kAck, large.c_str());
  EXPECT_TRUE(Send());
  const std::vector<amqp::SentFrame> sent = Sent();
  EXPECT_EQ(amqp::MethodsOf(sent),
            (Methods{AMQP_BASIC_PUBLISH_METHOD, AMQP_BASIC_ACK_METHOD}));
  ASSERT_EQ(sent.size(), 4u);
  EXPECT_NE(sent[2].payload.find("RESOURCE_EXHAUSTED"), std::string::npos)
      << sent[2].payload;
}

TEST_F(ConfirmedSettlements, NothingIsAcknowledgedBeforeItsReplyIsConfirmed) {
  Settle(settlements_.Delivered(1), Settlement::kAck, "55");
  Settle(settlements_.Delivered(2), Settlement::kReject, "poison");
  Settle(settlements_.Delivered(3), Settlement::kAck);
  EXPECT_FALSE(Send()) << "the confirms are waited for";
  EXPECT_EQ(amqp::MethodsOf(Sent()),
            (Methods{AMQP_BASIC_PUBLISH_METHOD, AMQP_BASIC_PUBLISH_METHOD,
                     AMQP_BASIC_ACK_METHOD}));
  settlements_.Confirmed(1);
  EXPECT_FALSE(Send());
  std::vector<amqp::SentFrame> sent = Sent();
  ASSERT_EQ(amqp::MethodsOf(sent), Methods{AMQP_BASIC_ACK_METHOD});
  EXPECT_EQ(amqp::Arguments<amqp_basic_ack_t>(sent[0], pool_).delivery_tag, 1u);
  settlements_.Confirmed(2);
  EXPECT_TRUE(Send());
  sent = Sent();
  ASSERT_EQ(amqp::MethodsOf(sent), Methods{AMQP_BASIC_REJECT_METHOD});
  EXPECT_EQ(amqp::Arguments<amqp_basic_reject_t>(sent[0], pool_).delivery_tag,
            2u);
}

TEST_F(ConfirmedSettlements,
       WhatWasConfirmedOnALostChannelIsNotSettledOnTheNext) {
  Settle(settlements_.Delivered(1), Settlement::kReject, "poison");
  Settle(settlements_.Delivered(2), Settlement::kAck, "55");
  Send();
  Sent();
  settlements_.Confirmed(1);
  settlements_.Confirmed(2);
  settlements_.Begin();
  EXPECT_TRUE(Send());
  EXPECT_TRUE(Sent().empty());
}

TEST_F(AtMostOnceSettlements, RepliesLeaveAloneAndNothingIsGivenBack) {
  Settle(settlements_.Delivered(1), Settlement::kAck, "55");
  Settle(settlements_.Delivered(2), Settlement::kAck);
  Settle(settlements_.Delivered(3), Settlement::kRequeue);
  EXPECT_TRUE(Send());
  const std::vector<amqp::SentFrame> sent = Sent();
  EXPECT_EQ(amqp::MethodsOf(sent),
            (Methods{AMQP_BASIC_PUBLISH_METHOD, AMQP_BASIC_PUBLISH_METHOD}));
  EXPECT_NE(sent.back().payload.find("UNAVAILABLE"), std::string::npos);
}

}  // namespace
}  // namespace rpc::rabbitmq
