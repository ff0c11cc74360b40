#include "rpc/transport/memory_broker.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/memory_queue.h"
#include "rpc/transport/memory_transport.h"
#include "tests/support/recording_calls.h"
#include "tests/support/recording_server.h"

namespace rpc {
namespace {

using ::rpc::testing::RecordingCalls;
using ::rpc::testing::RecordingServer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Request RequestOf(std::string_view id) {
  Request request;
  request.correlation_id = id;
  return request;
}

// Serves from when it is made.
struct Server {
  explicit Server(std::shared_ptr<MemoryBroker> broker, int prefetch = 1,
                  std::optional<MemoryQueueOptions> options = std::nullopt)
      : end({.broker = std::move(broker), .queue_options = options}) {
    EXPECT_TRUE(end.StartServing(&events, {.prefetch = prefetch}).ok());
  }
  ~Server() {
    EXPECT_TRUE(end.StopServing(Deadline()).ok());
    while (std::optional<Delivery> left = Next()) std::move(*left).Reject();
  }
  std::optional<Delivery> Next() { return events.Take(absl::ZeroDuration()); }

  RecordingServer events;
  MemoryTransport end;
};

TEST(MemoryBroker, SaysOfAMissingQueueThatNothingRan) {
  MemoryBroker broker;
  const absl::Status status = broker.Publish("none", RequestOf("one"));
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_FALSE(MayHaveRun(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"none\""));
}

TEST(MemoryBroker, DeclaresAQueueOnce) {
  MemoryBroker broker;
  const auto first = broker.Declare("rpc", {.max_length = 3});
  const auto second = broker.Declare("rpc", {.max_length = 3});
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(broker.Find("rpc"), *first);
  EXPECT_TRUE(absl::IsFailedPrecondition(broker.Declare("rpc", {}).status()));
}

TEST(MemoryBroker, GivesServersTheirTurns) {
  const auto broker = std::make_shared<MemoryBroker>();
  Server a(broker, 2);
  Server b(broker, 2);
  for (const char* id : {"1", "2", "3", "4", "5"}) {
    ASSERT_TRUE(broker->Publish("rpc", RequestOf(id)).ok());
  }
  EXPECT_THAT(a.events.ids(), ElementsAre("1", "3"));
  EXPECT_THAT(b.events.ids(), ElementsAre("2", "4"));
  std::move(*b.Next()).Ack();
  EXPECT_THAT(b.events.ids(), ElementsAre("2", "4", "5"));
}

TEST(MemoryBroker, PassesOverAServerThatHoldsItsPrefetch) {
  const auto broker = std::make_shared<MemoryBroker>();
  Server slow(broker, 1);
  Server fast(broker, 1);
  for (const char* id : {"1", "2", "3", "4"}) {
    ASSERT_TRUE(broker->Publish("rpc", RequestOf(id)).ok());
  }
  std::move(*fast.Next()).Ack();
  std::move(*fast.Next()).Ack();
  EXPECT_THAT(slow.events.ids(), ElementsAre("1"));
  EXPECT_THAT(fast.events.ids(), ElementsAre("2", "3", "4"));
}

TEST(MemoryBroker, GivesBackToTheHead) {
  const auto broker = std::make_shared<MemoryBroker>();
  Server a(broker, 3);
  for (const char* id : {"1", "2", "3", "4"}) {
    ASSERT_TRUE(broker->Publish("rpc", RequestOf(id)).ok());
  }
  std::optional<Delivery> one = a.Next();
  std::optional<Delivery> two = a.Next();
  std::optional<Delivery> three = a.Next();
  ASSERT_TRUE(a.end.StopServing(Deadline()).ok());
  std::move(*three).Requeue();
  std::move(*one).Requeue();
  std::move(*two).Requeue();
  const Server b(broker, 9);
  EXPECT_THAT(b.events.ids(), ElementsAre("1", "2", "3", "4"));
}

TEST(MemoryBroker, DiscardsWhatIsRejected) {
  const auto broker = std::make_shared<MemoryBroker>();
  Server a(broker);
  ASSERT_TRUE(broker->Publish("rpc", RequestOf("1")).ok());
  std::move(*a.Next()).Reject();
  EXPECT_EQ(broker->Find("rpc")->ready(), 0u);
  EXPECT_THAT(a.events.ids(), ElementsAre("1"));
}

TEST(MemoryBroker, CountsDeliveriesOnlyWhereTheQueueDoes) {
  for (const bool counts : {false, true}) {
    const auto broker = std::make_shared<MemoryBroker>();
    Server a(broker, 1, MemoryQueueOptions{.counts_deliveries = counts});
    ASSERT_TRUE(broker->Publish("rpc", RequestOf("1")).ok());
    for (int before = 0; before < 3; ++before) {
      std::optional<Delivery> delivery = a.Next();
      EXPECT_EQ(delivery->facts().redelivered, before > 0);
      EXPECT_EQ(delivery->facts().earlier_deliveries, counts ? before : 0);
      std::move(*delivery).Requeue();
    }
  }
}

TEST(MemoryBroker, RefusesWhatAFullQueueCannotTake) {
  const auto broker = std::make_shared<MemoryBroker>();
  Server a(broker, 1, MemoryQueueOptions{.max_length = 2});
  // One in hand, two waiting.
  for (const char* id : {"1", "2", "3"}) {
    EXPECT_TRUE(broker->Publish("rpc", RequestOf(id)).ok());
  }
  RecordingCalls calls;
  MemoryTransport client({.broker = broker});
  ASSERT_TRUE(client.StartCalls(&calls).ok());
  EXPECT_TRUE(client.Submit(RequestOf("4")).ok());
  ASSERT_EQ(calls.replies().size(), 1u);
  EXPECT_TRUE(absl::IsResourceExhausted(calls.replies()[0].status));
  EXPECT_FALSE(MayHaveRun(calls.replies()[0].status));
  std::move(*a.Next()).Ack();
  EXPECT_TRUE(client.Submit(RequestOf("5")).ok());
  EXPECT_EQ(calls.replies().size(), 1u);
}

TEST(MemoryBroker, MakesRoomForWhatExpired) {
  const auto broker = std::make_shared<MemoryBroker>(MemoryBroker::Options{
      .time = MemoryTime::kManual, .queue = {.max_length = 1}});
  ASSERT_TRUE(broker->Declare("rpc", {.max_length = 1}).ok());
  Request request = RequestOf("1");
  request.deadline = Deadline::After(absl::Seconds(1), broker->Now());
  ASSERT_TRUE(broker->Publish("rpc", request).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(broker->Publish("rpc", request)));
  broker->Advance(broker->Now() + std::chrono::seconds(1));
  EXPECT_TRUE(broker->Publish("rpc", RequestOf("2")).ok());
}

TEST(MemoryBroker, DoesNotServeWhoAsksForRepliesIntoAQueueOfOthers) {
  const auto broker = std::make_shared<MemoryBroker>();
  Server a(broker);
  Request forged = RequestOf("forged");
  forged.reply_to = "payments";
  EXPECT_TRUE(broker->Publish("rpc", forged).ok());
  EXPECT_EQ(a.events.dropped(), 1);
  EXPECT_THAT(a.events.ids(), ElementsAre());
  EXPECT_EQ(broker->Find("rpc")->ready(), 0u);
}

TEST(MemoryBroker, EchoesAForeignCorrelationId) {
  const auto broker = std::make_shared<MemoryBroker>();
  Server a(broker);
  RecordingCalls calls;
  MemoryTransport client({.broker = broker});
  ASSERT_TRUE(client.StartCalls(&calls).ok());
  const std::string id("\0 not ours \xff", 12);
  Request request = RequestOf(id);
  request.reply_to = "rpc.reply.memory.0";
  ASSERT_TRUE(broker->Publish("rpc", request).ok());
  std::move(*a.Next()).Answer({.body = "result"});
  ASSERT_EQ(calls.replies().size(), 1u);
  EXPECT_EQ(calls.replies()[0].correlation_id, id);
}

TEST(MemoryBroker, CountsAReplyToNobody) {
  const auto broker = std::make_shared<MemoryBroker>();
  Server a(broker);
  Request request = RequestOf("1");
  request.reply_to = "amq.gen-of-somebody-gone";
  ASSERT_TRUE(broker->Publish("rpc", request).ok());
  std::move(*a.Next()).Answer({.body = "result"});
  EXPECT_EQ(broker->counters().unroutable_replies, 1u);
}

TEST(MemoryBroker, KeepsQueuesApart) {
  const auto broker = std::make_shared<MemoryBroker>();
  const Server a(broker);
  ASSERT_TRUE(broker->Declare("other", {}).ok());
  ASSERT_TRUE(broker->Publish("other", RequestOf("1")).ok());
  EXPECT_THAT(a.events.ids(), ElementsAre());
  EXPECT_EQ(broker->Find("other")->ready(), 1u);
}

}  // namespace
}  // namespace rpc
