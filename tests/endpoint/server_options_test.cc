#include <algorithm>
#include <atomic>
#include <cstdint>
#include <future>
#include <latch>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rpc/endpoint.h"
#include "tests/core/gate.h"
#include "tests/core/handling.h"
#include "tests/endpoint/held_server.h"
#include "tests/endpoint/memory_world.h"
#include "tests/endpoint/outcomes.h"

namespace rpc::testing {
namespace {

using ::testing::HasSubstr;
using Result = absl::StatusOr<std::int64_t>;

TEST(ServerOptions, WorkersRunThatManyHandlersAtOnce) {
  MemoryWorld world;
  std::latch all_run(4);
  const auto server = world.Serve(Handle<Double>([&](std::int64_t n) {
                                    all_run.arrive_and_wait();
                                    return n;
                                  }),
                                  {.server = {.workers = 3}});
  auto client = world.Connect<Double>();
  Outcomes outcomes;
  for (int i = 0; i < 3; ++i) client.CallAsync(i, outcomes.Of(i));
  // Hangs if two threads ran the three.
  all_run.arrive_and_wait();
  EXPECT_TRUE(outcomes.WaitFor(3));
}

TEST(ServerOptions, OneWorkerRunsOneHandlerAtATime) {
  EXPECT_GE(ServerOptions().workers, 1);
  MemoryWorld world;
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  const auto server = world.Serve(Handle<Double>([&](std::int64_t n) {
                                    most = std::max(most.load(), ++running);
                                    std::this_thread::yield();
                                    --running;
                                    return n;
                                  }),
                                  {.server = {.workers = 1}});
  auto client = world.Connect<Double>();
  Outcomes outcomes;
  for (int i = 0; i < 200; ++i) client.CallAsync(i, outcomes.Of(i));
  ASSERT_TRUE(outcomes.WaitFor(200));
  EXPECT_EQ(most, 1);
}

TEST(ServerOptions, WithoutWorkersHandlersRunOnTheTransportsThread) {
  MemoryWorld world;
  std::thread::id ran_on;
  const auto handler = [&](std::int64_t n) {
    ran_on = std::this_thread::get_id();
    return n;
  };
  {
    const auto server =
        world.Serve(Handle<Double>(handler), {.server = {.workers = 0}});
    auto client = world.Connect<Double>();
    // The first may find a queue to which the server is not attached yet.
    ASSERT_TRUE(client.Call(1).ok());
    ASSERT_TRUE(client.Call(1).ok());
    // In memory that is the thread which submits.
    EXPECT_EQ(ran_on, std::this_thread::get_id());
  }
  const auto server = world.Serve(Handle<Double>(handler));
  ASSERT_TRUE(world.Connect<Double>().Call(1).ok());
  EXPECT_NE(ran_on, std::this_thread::get_id());
}

TEST(ServerOptions, PrefetchBoundsWhatIsTakenAndNotAnswered) {
  // Whether it is given or is 32 for each worker.
  for (const auto& [options, taken] :
       {std::pair{ServerOptions{.workers = 1, .prefetch = 2}, 2u},
        std::pair{ServerOptions{.workers = 1}, 32u}}) {
    MemoryWorld world;
    Outcomes outcomes;
    HeldServer server(world, {.server = options});
    auto client = world.Connect<Double>();
    client.CallAsync(0, outcomes.Of(0));
    ASSERT_TRUE(server.WaitForCall());
    for (int i = 1; i < 100; ++i) client.CallAsync(i, outcomes.Of(i));
    EXPECT_EQ(world.broker().Find("rpc")->ready(), 100 - taken);
    server.LetGo();
    EXPECT_TRUE(outcomes.WaitFor(100));
  }
}

TEST(ServerOptions, WhatExpiredBeforeAHandlerIsNotRun) {
  MemoryWorld world;
  Outcomes outcomes;
  HeldServer server(world, {.server = {.workers = 1}});
  auto client = world.Connect<Double>();
  client.CallAsync(1, outcomes.Of(1));
  ASSERT_TRUE(server.WaitForCall());
  EXPECT_EQ(
      client.Call(2, {.timeout = absl::Milliseconds(100)}).status().code(),
      absl::StatusCode::kDeadlineExceeded);
  client.CallAsync(3, outcomes.Of(3));
  server.LetGo();
  ASSERT_TRUE(outcomes.WaitFor(2));
  EXPECT_TRUE(server->Stop().ok());
  EXPECT_EQ(server.runs(), 2);
  EXPECT_EQ(server->endpoint().server_counters().expired, 1u);
  EXPECT_EQ(server->endpoint().server_counters().succeeded, 2u);
}

TEST(ServerOptions, TheHookSeesEachRequestWithItsReply) {
  struct Served {
    std::string request;
    std::string reply;
    absl::Status status;
    std::thread::id thread;
  };
  MemoryWorld world;
  std::vector<Served> served;
  std::thread::id ran_on;
  const auto server = world.Serve(
      Handle<Double>([&](std::int64_t n) -> Result {
        ran_on = std::this_thread::get_id();
        if (n < 0) return absl::OutOfRangeError("negative");
        return 2 * n;
      }),
      {.server = {.workers = 1,
                  .on_served = [&](const Request& request, const Reply& reply) {
                    served.push_back({std::string(request.body.view()),
                                      std::string(reply.body.view()),
                                      reply.status,
                                      std::this_thread::get_id()});
                  }}});
  auto client = world.Connect<Double>();
  ASSERT_TRUE(client.Call(4).ok());
  ASSERT_FALSE(client.Call(-4).ok());
  // The hook has run before the reply left.
  ASSERT_EQ(served.size(), 2u);
  EXPECT_EQ(served[0].request, "4");
  EXPECT_EQ(served[0].reply, "8");
  EXPECT_TRUE(served[0].status.ok());
  EXPECT_EQ(served[0].thread, ran_on);
  EXPECT_EQ(served[1].request, "-4");
  EXPECT_EQ(served[1].reply, "");
  EXPECT_EQ(served[1].status.code(), absl::StatusCode::kOutOfRange);
}

// What clients in other languages may send, and no client of ours does.
class ForeignRequests : public ::testing::Test {
 protected:
  // What the request was answered.
  absl::Status Publish(Request request) {
    served_ = {};
    EXPECT_TRUE(world_.broker().Publish("rpc", std::move(request)).ok());
    return served_.get_future().get();
  }

  MemoryWorld world_;
  std::vector<std::int64_t> ran_;
  std::promise<absl::Status> served_;
  const MemoryOptions options_ = {
      .server = {.on_served = [this](const Request&, const Reply& reply) {
        served_.set_value(reply.status);
      }}};
};

TEST_F(ForeignRequests, OneWayIsRunAndSettled) {
  const auto server = world_.Serve(Handle<Double>([&](std::int64_t n) {
                                     ran_.push_back(n);
                                     return n;
                                   }),
                                   options_);
  Request request;
  request.body = "7";
  EXPECT_TRUE(Publish(request).ok());
  EXPECT_EQ(ran_, std::vector<std::int64_t>{7});
  EXPECT_TRUE(server->Stop().ok());
  EXPECT_EQ(world_.broker().Find("rpc")->ready(), 0u);
}

TEST_F(ForeignRequests, TheirContentTypeHasToBeTheSerializers) {
  const auto server = world_.Serve(Doubling(), options_);
  Request request;
  request.body = "7";
  request.content_type = "Text/X-List; charset=utf-8";
  EXPECT_TRUE(Publish(request).ok());
  request.content_type = "application/json";
  const absl::Status status = Publish(request);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(MayHaveRun(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("text/x-list"));
}

TEST_F(ForeignRequests, TheirMethodHasToBeThere) {
  const auto server = world_.Serve(Doubling(), options_);
  Request request;
  request.body = "7";
  request.method = "double";
  EXPECT_TRUE(Publish(request).ok());
  request.method = "triple";
  const absl::Status status = Publish(request);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_FALSE(MayHaveRun(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("double"));
}

TEST_F(ForeignRequests, TheirIdsReachTheHandler) {
  std::string id;
  const auto server = world_.Serve(
      Handle<Double>([&](const ServerContext& context, std::int64_t n) {
        id = std::string(context.message_id);
        return n;
      }),
      options_);
  Request request;
  request.body = "7";
  request.message_id = "order-66";
  EXPECT_TRUE(Publish(request).ok());
  EXPECT_EQ(id, "order-66");
}

TEST(ServerOptions, WhatComesBeyondMaxWaitingIsAnsweredAtOnce) {
  MemoryWorld world;
  HeldServer server(world,
                    {.server = {.workers = 1,
                                .prefetch = 100,
                                .max_waiting = 2,
                                .overload_retry_after = absl::Seconds(7)}});
  auto client = world.Connect<Double>();
  Outcomes outcomes;
  client.CallAsync(0, outcomes.Of(0));
  ASSERT_TRUE(server.WaitForCall());
  for (int i = 1; i < 6; ++i) client.CallAsync(i, outcomes.Of(i));
  // One runs, two wait.
  ASSERT_TRUE(outcomes.WaitFor(3));
  for (int i = 3; i < 6; ++i) {
    const absl::Status status = outcomes.Only(i).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_FALSE(MayHaveRun(status));
    EXPECT_EQ(RetryAfter(status), absl::Seconds(7));
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("2 requests wait for its workers"));
  }
  EXPECT_EQ(server->endpoint().server_counters().overloaded, 3u);
  server.LetGo();
  ASSERT_TRUE(outcomes.WaitFor(6));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(outcomes.Only(i).value(), i);
}

TEST(ServerOptions, AMethodRunsNoMoreHandlersThanItsLimit) {
  MemoryWorld world;
  HeldServer server(
      world, {.server = {.workers = 4,
                         .max_concurrent = {{std::string(Double::kName), 2}},
                         .overload_retry_after = absl::Seconds(7)}});
  auto client = world.Connect<Double>();
  Outcomes outcomes;
  for (int i = 0; i < 4; ++i) client.CallAsync(i, outcomes.Of(i));
  ASSERT_TRUE(outcomes.WaitFor(2));
  EXPECT_EQ(server->endpoint().server_counters().overloaded, 2u);
  EXPECT_EQ(server->endpoint().server_counters().failed, 0u);
  server.LetGo();
  ASSERT_TRUE(outcomes.WaitFor(4));
  EXPECT_EQ(server.runs(), 2);
  int refused = 0;
  for (int i = 0; i < 4; ++i) {
    const absl::Status status = outcomes.Only(i).status();
    if (status.ok()) continue;
    ++refused;
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_FALSE(MayHaveRun(status));
    EXPECT_EQ(RetryAfter(status), absl::Seconds(7));
    EXPECT_THAT(std::string(status.message()),
                HasSubstr("\"double\" run as max_concurrent allows"));
  }
  EXPECT_EQ(refused, 2);
  // What ended made room.
  EXPECT_EQ(client.Call(7).value(), 7);
}

TEST(ServerOptions, ALimitOfNoMethodOrBelowOneIsRefused) {
  const auto opened_with = [](std::map<std::string, int> limits) {
    MemoryWorld world;
    return MemoryEndpoint<Hold>::Open(
               world.With({.server = {.max_concurrent = std::move(limits)}}))
        .status();
  };
  const absl::Status unknown = opened_with({{"triple", 1}});
  EXPECT_EQ(unknown.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(unknown.message()), HasSubstr("\"triple\""));
  const absl::Status none = opened_with({{"double", 0}});
  EXPECT_EQ(none.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(none.message()),
              HasSubstr("max_concurrent of \"double\" is 0"));
  EXPECT_TRUE(opened_with({{"double", 1}}).ok());
}

}  // namespace
}  // namespace rpc::testing
