#include "rpc/transport/memory_transport.h"

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <semaphore>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/memory_broker.h"
#include "rpc/transport/transport_policy.h"
#include "tests/support/recording_calls.h"
#include "tests/support/recording_server.h"
#include "tests/transport/memory_ends.h"

namespace rpc {
namespace {

using ::rpc::testing::RecordingCalls;
using ::rpc::testing::RecordingServer;
using ::rpc::testing::RequestOf;
using ::rpc::testing::Taken;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

static_assert(HasOptions<MemoryTransport> &&
              OpensAndDescribes<MemoryTransport> &&
              CarriesCalls<MemoryTransport> && Serves<MemoryTransport>);

std::shared_ptr<MemoryBroker> NewBroker(MemoryBroker::Options options = {}) {
  return std::make_shared<MemoryBroker>(options);
}

TEST(MemoryTransport, SaysWithoutABrokerWhatToDo) {
  MemoryTransport transport({});
  RecordingCalls calls;
  RecordingServer server;
  for (const absl::Status& status :
       {transport.Open(Deadline()), transport.StartCalls(&calls),
        transport.StartServing(&server, {})}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), HasSubstr("Options::broker"));
  }
}

TEST(MemoryTransport, DescribesItsQueue) {
  const MemoryTransport transport({.queue = "fibonacci"});
  EXPECT_EQ(transport.Describe(), "queue \"fibonacci\" in memory");
}

TEST(MemoryTransport, StartsCallsOnce) {
  RecordingCalls calls;
  MemoryTransport transport({.broker = NewBroker()});
  EXPECT_TRUE(transport.StartCalls(&calls).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(transport.StartCalls(&calls)));
}

TEST(MemoryTransport, DoesNotSubmitBeforeStartCalls) {
  MemoryTransport transport({.broker = NewBroker()});
  const absl::Status status = transport.Submit(RequestOf("one"));
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_FALSE(MayHaveRun(status));
}

TEST(MemoryTransport, DoesNotServeTwiceAtATime) {
  RecordingServer server;
  MemoryTransport transport({.broker = NewBroker()});
  EXPECT_TRUE(transport.StartServing(&server, {}).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(transport.StartServing(&server, {})));
  EXPECT_TRUE(transport.StopServing(Deadline()).ok());
  EXPECT_TRUE(transport.StartServing(&server, {}).ok());
}

TEST(MemoryTransport, RefusesAPrefetchBelowOne) {
  RecordingServer server;
  MemoryTransport transport({.broker = NewBroker()});
  const absl::Status status = transport.StartServing(&server, {.prefetch = 0});
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("prefetch is 0"));
}

TEST(MemoryTransport, StopsWithoutHavingServed) {
  MemoryTransport transport({.broker = NewBroker()});
  EXPECT_TRUE(transport.StopServing(Deadline()).ok());
}

TEST(MemoryTransport, RefusesAQueueThatIsThereWithOtherOptions) {
  RecordingServer server;
  const auto broker = NewBroker();
  MemoryTransport plain({.broker = broker});
  MemoryTransport limited(
      {.broker = broker, .queue_options = MemoryQueueOptions{.max_length = 1}});
  EXPECT_TRUE(plain.StartServing(&server, {}).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(limited.StartServing(&server, {})));
}

using MemoryTransportTest = testing::MemoryEnds;

TEST_F(MemoryTransportTest, CarriesARequestWithTheCallersReplyQueue) {
  Serve();
  Call();
  Submit("one");
  std::optional<Delivery> delivery = Taken(server);
  ASSERT_TRUE(delivery.has_value());
  EXPECT_TRUE(
      std::string_view(delivery->request().reply_to).starts_with("rpc.reply."));
  std::move(*delivery).Answer({.body = "result"});
  ASSERT_EQ(calls.replies().size(), 1u);
  EXPECT_EQ(calls.replies()[0].correlation_id, "one");
  EXPECT_EQ(calls.replies()[0].body, "result");
}

TEST_F(MemoryTransportTest, CarriesARequestWithoutAnIdOneWay) {
  Serve();
  Call();
  Request request;
  request.body = "one-way";
  request.reply_to = "rpc.reply.memory.0";
  ASSERT_TRUE(client_end->Submit(std::move(request)).ok());
  std::optional<Delivery> delivery = Taken(server);
  ASSERT_TRUE(delivery.has_value());
  EXPECT_EQ(delivery->request().reply_to, "");
  EXPECT_EQ(calls.claims().size(), 0u);
  std::move(*delivery).Answer({.body = "result"});
  EXPECT_EQ(calls.replies().size(), 0u);
  EXPECT_EQ(broker->counters().unroutable_replies, 0u);
}

TEST_F(MemoryTransportTest, SaysOfAOneWayRequestThatNoQueueTakesIt) {
  Call();
  const absl::Status status = client_end->Submit({.body = "one-way"});
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_FALSE(MayHaveRun(status));
}

TEST_F(MemoryTransportTest, LetsAnEventWithinAnEventComeAtOnce) {
  RecordingServer echo([](Delivery delivery) {
    std::move(delivery).Answer({.body = "result"});
  });
  ASSERT_TRUE(server_end->StartServing(&echo, {}).ok());
  Call();
  Submit("one");
  EXPECT_EQ(calls.replies().size(), 1u);
}

TEST_F(MemoryTransportTest, DoesNotGrowTheStackWithAChainOfCalls) {
  constexpr int kCalls = 20'000;
  RecordingServer echo([](Delivery delivery) {
    std::move(delivery).Answer({.body = "result"});
  });
  int answered = 0;
  MemoryTransport* end = client_end.get();
  RecordingCalls chain([&](const Reply&) {
    if (++answered < kCalls) {
      end->Submit(RequestOf("next")).IgnoreError();
    }
  });
  ASSERT_TRUE(server_end->StartServing(&echo, {}).ok());
  ASSERT_TRUE(end->StartCalls(&chain).ok());
  ASSERT_TRUE(end->Submit(RequestOf("first")).ok());
  EXPECT_EQ(answered, kCalls);
  client_end.reset();
}

TEST_F(MemoryTransportTest, CountsAReplyWhoseCallerIsGone) {
  Serve();
  Call();
  Submit("one");
  std::optional<Delivery> delivery = Taken(server);
  client_end.reset();
  std::move(*delivery).Answer({.body = "result"});
  EXPECT_EQ(broker->counters().unroutable_replies, 1u);
}

TEST_F(MemoryTransportTest, GivesBackInOrderWhatADeadServerHeld) {
  Serve(3);
  Call();
  for (const char* id : {"one", "two", "three", "four"}) Submit(id);
  server.AbandonAll();
  server_end.reset();
  RecordingServer next;
  MemoryTransport next_end({.broker = broker});
  ASSERT_TRUE(next_end.StartServing(&next, {.prefetch = 9}).ok());
  EXPECT_THAT(next.ids(), ElementsAre("one", "two", "three", "four"));
  for (const bool redelivered : {true, true, true, false}) {
    std::optional<Delivery> delivery = Taken(next);
    EXPECT_EQ(delivery->facts().redelivered, redelivered);
    EXPECT_EQ(delivery->facts().earlier_deliveries, 0);
  }
}

TEST_F(MemoryTransportTest, LetsAStoppedServerSettle) {
  Serve();
  Call();
  Submit("one");
  Submit("two");
  std::optional<Delivery> delivery = Taken(server);
  ASSERT_TRUE(server_end->StopServing(Deadline()).ok());
  std::move(*delivery).Answer({.body = "result"});
  EXPECT_EQ(calls.replies().size(), 1u);
  EXPECT_THAT(server.ids(), ElementsAre("one"));
  EXPECT_EQ(broker->Find("rpc")->ready(), 1u);
}

TEST_F(MemoryTransportTest, StopServingWaitsForTheDeliveryBeingTold) {
  std::atomic<bool> entered = false;
  std::atomic<bool> leave = false;
  RecordingServer slow([&](Delivery delivery) {
    entered = true;
    entered.notify_all();
    leave.wait(false);
    std::move(delivery).Ack();
  });
  ASSERT_TRUE(server_end->StartServing(&slow, {}).ok());
  Call();
  std::thread submitter([&] { Submit("one"); });
  entered.wait(false);
  EXPECT_TRUE(absl::IsDeadlineExceeded(
      server_end->StopServing(Deadline::After(absl::Milliseconds(1)))));
  leave = true;
  leave.notify_all();
  EXPECT_TRUE(server_end->StopServing(Deadline()).ok());
  submitter.join();
}

// Stays in an event until it is told to leave.
class SlowCalls final : public CallEvents {
 public:
  bool Claim(std::string_view) override { return true; }
  void OnReply(Reply) override { Stay(); }
  void OnLost(const absl::Status&) override {}
  void OnRefused(const absl::Status&) override {}
  TimePoint OnTime(TimePoint) override {
    Stay();
    return kNever;
  }

  void WaitUntilEntered() { entered_.acquire(); }
  void Leave() { leave_.release(); }

 private:
  void Stay() {
    entered_.release();
    leave_.acquire();
  }

  std::binary_semaphore entered_{0};
  std::binary_semaphore leave_{0};
};

// True if `end` cannot be destroyed before `calls` leaves its event.
bool WaitsForEvent(std::unique_ptr<MemoryTransport> end, SlowCalls& calls) {
  calls.WaitUntilEntered();
  std::future<void> destroyed =
      std::async(std::launch::async, [&] { end.reset(); });
  const bool waits = destroyed.wait_for(std::chrono::milliseconds(50)) ==
                     std::future_status::timeout;
  calls.Leave();
  destroyed.wait();
  return waits;
}

TEST_F(MemoryTransportTest, IsNotDestroyedWhileAReplyIsBeingTold) {
  SlowCalls slow;
  Serve();
  ASSERT_TRUE(client_end->StartCalls(&slow).ok());
  Submit("one");
  std::thread settler([&] { std::move(*Taken(server)).Answer({}); });
  EXPECT_TRUE(WaitsForEvent(std::move(client_end), slow));
  settler.join();
}

TEST_F(MemoryTransportTest, IsNotDestroyedWhileItIsBeingWoken) {
  SlowCalls slow;
  Serve();
  ASSERT_TRUE(client_end->StartCalls(&slow).ok());
  Submit("one", Deadline::After(absl::Milliseconds(1)));
  EXPECT_TRUE(WaitsForEvent(std::move(client_end), slow));
  server.DropAll();
}

TEST_F(MemoryTransportTest, RunsOnServingBeforeTheFirstDelivery) {
  struct Order final : ServerEvents {
    void OnServing() override { order.push_back("serving"); }
    void OnDelivery(Delivery) override { order.push_back("delivery"); }
    void OnInterrupted(const absl::Status&) override {}
    void OnRefused(const absl::Status&) override {}
    std::vector<std::string> order;
  };
  ASSERT_TRUE(broker->Declare("rpc", {}).ok());
  ASSERT_TRUE(broker->Publish("rpc", RequestOf("one")).ok());
  Order events;
  ASSERT_TRUE(server_end->StartServing(&events, {}).ok());
  EXPECT_THAT(events.order, ElementsAre("serving", "delivery"));
  server_end.reset();
}

TEST_F(MemoryTransportTest, SharesOneEndForCallingAndServing) {
  MemoryTransport both({.broker = broker});
  ASSERT_TRUE(both.StartServing(&server, {}).ok());
  RecordingCalls own;
  ASSERT_TRUE(both.StartCalls(&own).ok());
  ASSERT_TRUE(both.Submit(RequestOf("one")).ok());
  Taken(server)->facts();
  EXPECT_EQ(own.replies().size(), 1u);
}

}  // namespace
}  // namespace rpc
