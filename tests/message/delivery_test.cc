#include "rpc/message/delivery.h"

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "rpc/base/status.h"
#include "rpc/message/envelope.h"

namespace rpc {
namespace {

static_assert(!std::is_copy_constructible_v<Delivery>);
static_assert(std::is_nothrow_move_constructible_v<Delivery>);

class RecordingOrigin : public Delivery::Origin {
 public:
  struct Settled {
    std::uint64_t token;
    std::string body;
    Settlement settlement;
    std::optional<Reply> reply;
  };

  void Settle(std::uint64_t token, const Request& request,
              Settlement settlement, Reply* reply) override {
    settled_.push_back(
        {token, std::string(request.body.view()), settlement,
         reply == nullptr ? std::nullopt : std::optional<Reply>(*reply)});
  }
  const std::vector<Settled>& settled() const { return settled_; }

 private:
  std::vector<Settled> settled_;
};

Delivery Deliver(RecordingOrigin& origin, Request request) {
  return Delivery(std::move(request),
                  {.redelivered = true, .earlier_deliveries = 2}, &origin, 7);
}

Request Call() {
  return {.correlation_id = "id", .reply_to = "amq.gen-1", .body = "90"};
}

TEST(Delivery, ShowsTheRequestAndItsHistory) {
  RecordingOrigin origin;
  const Delivery delivery = Deliver(origin, Call());
  EXPECT_EQ(delivery.request().body.view(), "90");
  EXPECT_TRUE(delivery.facts().redelivered);
  EXPECT_EQ(delivery.facts().earlier_deliveries, 2);
}

TEST(Delivery, AnswerRepliesAndAcknowledges) {
  RecordingOrigin origin;
  Deliver(origin, Call()).Answer({.body = "42"});
  ASSERT_EQ(origin.settled().size(), 1u);
  const auto& settled = origin.settled()[0];
  EXPECT_EQ(settled.token, 7u);
  EXPECT_EQ(settled.body, "90");
  EXPECT_EQ(settled.settlement, Settlement::kAck);
  ASSERT_TRUE(settled.reply.has_value());
  EXPECT_EQ(settled.reply->body.view(), "42");
  EXPECT_EQ(settled.reply->correlation_id.view(), "id");
}

TEST(Delivery, WhatWasRedeliveredMayHaveRunWhateverItsLastServerSays) {
  const absl::Status not_run = NotRun(absl::UnimplementedError("no method"));
  for (const bool redelivered : {false, true}) {
    RecordingOrigin origin;
    Delivery delivery(Call(), {.redelivered = redelivered}, &origin, 7);
    std::move(delivery).Answer({.status = not_run});
    ASSERT_EQ(origin.settled().size(), 1u);
    const absl::Status& status = origin.settled()[0].reply->status;
    EXPECT_EQ(MayHaveRun(status), redelivered);
    EXPECT_EQ(status.message(), "no method");
  }
}

TEST(Delivery, AnswerCanRejectAsWell) {
  RecordingOrigin origin;
  Deliver(origin, Call())
      .Answer({.status = absl::AbortedError("poison")}, Settlement::kReject);
  ASSERT_EQ(origin.settled().size(), 1u);
  EXPECT_EQ(origin.settled()[0].settlement, Settlement::kReject);
  EXPECT_TRUE(origin.settled()[0].reply.has_value());
}

TEST(Delivery, AnswerFallsBackOnTheMessageId) {
  RecordingOrigin origin;
  Deliver(origin, {.message_id = "call", .reply_to = "amq.gen-1"}).Answer({});
  ASSERT_EQ(origin.settled().size(), 1u);
  EXPECT_EQ(origin.settled()[0].reply->correlation_id.view(), "call");
}

TEST(Delivery, AnswerRepliesToNobodyWhoDoesNotWait) {
  RecordingOrigin origin;
  Deliver(origin, {.correlation_id = "id"}).Answer({.body = "42"});
  ASSERT_EQ(origin.settled().size(), 1u);
  EXPECT_EQ(origin.settled()[0].settlement, Settlement::kAck);
  EXPECT_FALSE(origin.settled()[0].reply.has_value());
}

TEST(Delivery, OtherSettlementsSendNoReply) {
  RecordingOrigin origin;
  Deliver(origin, Call()).Ack();
  Deliver(origin, Call()).Requeue();
  Deliver(origin, Call()).Reject();
  ASSERT_EQ(origin.settled().size(), 3u);
  EXPECT_EQ(origin.settled()[0].settlement, Settlement::kAck);
  EXPECT_EQ(origin.settled()[1].settlement, Settlement::kRequeue);
  EXPECT_EQ(origin.settled()[2].settlement, Settlement::kReject);
  for (const auto& settled : origin.settled()) {
    EXPECT_FALSE(settled.reply.has_value());
  }
}

TEST(Delivery, DroppedIsAnsweredInternalAndAcknowledged) {
  RecordingOrigin origin;
  { const Delivery dropped = Deliver(origin, Call()); }
  ASSERT_EQ(origin.settled().size(), 1u);
  EXPECT_EQ(origin.settled()[0].settlement, Settlement::kAck);
  ASSERT_TRUE(origin.settled()[0].reply.has_value());
  EXPECT_EQ(origin.settled()[0].reply->status.code(),
            absl::StatusCode::kInternal);
  EXPECT_EQ(origin.settled()[0].reply->correlation_id.view(), "id");
}

TEST(Delivery, SettlesOnceHoweverOftenItMoves) {
  RecordingOrigin origin;
  {
    Delivery first = Deliver(origin, Call());
    Delivery second = std::move(first);
    Delivery third = std::move(second);
    std::move(third).Answer({.body = "42"});
  }
  EXPECT_EQ(origin.settled().size(), 1u);
}

}  // namespace
}  // namespace rpc
