#include <cstdint>
#include <functional>
#include <latch>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

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

using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using Result = absl::StatusOr<std::int64_t>;

TEST(AsyncCall, CallsBackOnceWithTheValue) {
  MemoryWorld world;
  Outcomes outcomes;
  const auto server = world.Serve(Doubling());
  auto client = world.Connect<Double>();
  for (int i = 0; i < 100; ++i) client.CallAsync(i, outcomes.Of(i));
  ASSERT_TRUE(outcomes.WaitFor(100));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(outcomes.Only(i).value(), 2 * i);
}

TEST(AsyncCall, CallsBackWithTheHandlersStatus) {
  MemoryWorld world;
  Outcomes outcomes;
  const auto server = world.Serve(Handle<Double>(
      [](std::int64_t) -> Result { return absl::OutOfRangeError("far"); }));
  auto client = world.Connect<Double>();
  client.CallAsync(1, outcomes.Of(1));
  ASSERT_TRUE(outcomes.WaitFor(1));
  EXPECT_EQ(outcomes.Code(1), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(outcomes.Only(1).status().message()),
              HasSubstr("double over queue \"rpc\" in memory, attempt 1, "));
}

TEST(AsyncCall, ReturnsBeforeTheCallIsOver) {
  MemoryWorld world;
  Outcomes outcomes;
  HeldServer server(world);
  auto client = world.Connect<Double>();
  client.CallAsync(1, outcomes.Of(1));
  ASSERT_TRUE(server.WaitForCall());
  EXPECT_EQ(outcomes.count(), 0u);
  server.LetGo();
  EXPECT_TRUE(outcomes.WaitFor(1));
}

TEST(AsyncCall, NeverCallsBackOnTheCallersThread) {
  MemoryWorld world;
  Outcomes outcomes;
  auto client = world.Connect<Double>();
  // Served on the thread that submits.
  const auto server = world.Serve(Doubling(), {.server = {.workers = 0}});
  client.CallAsync(1, outcomes.Of(1));
  // Refused before it is submitted.
  client.CallAsync(1, {.timeout = absl::ZeroDuration()}, outcomes.Of(2));
  client.CallAsync(1, {.metadata = {{"CC", "x"}}}, outcomes.Of(3));
  std::stop_source cancel;
  cancel.request_stop();
  client.CallAsync(1, {.cancellation = cancel.get_token()}, outcomes.Of(4));
  ASSERT_TRUE(outcomes.WaitFor(4));
  EXPECT_EQ(outcomes.Only(1).value(), 2);
  EXPECT_EQ(outcomes.Code(2), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(outcomes.Code(3), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(outcomes.Code(4), absl::StatusCode::kCancelled);
  EXPECT_THAT(outcomes.threads(), Not(Contains(std::this_thread::get_id())));
}

TEST(AsyncCall, EndsByItsDeadline) {
  MemoryWorld world;
  Outcomes outcomes;
  HeldServer server(world);
  auto client =
      world.Connect<Double>({.default_timeout = absl::Milliseconds(500)});
  const TimePoint begin = Clock::now();
  client.CallAsync(1, outcomes.Of(1));
  client.CallAsync(1, {.timeout = absl::Milliseconds(501)}, outcomes.Of(2));
  ASSERT_TRUE(outcomes.WaitFor(2));
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(2));
  for (const int call : {1, 2}) {
    EXPECT_EQ(outcomes.Code(call), absl::StatusCode::kDeadlineExceeded);
    EXPECT_TRUE(MayHaveRun(outcomes.Only(call).status()));
  }
  // The late replies are nobody's.
  server.LetGo();
  EXPECT_TRUE(server->Stop().ok());
  EXPECT_EQ(outcomes.count(), 2u);
  EXPECT_GE(client.call_counters().unknown_replies, 1u);
}

TEST(AsyncCall, EndsWhenItsCallerCancels) {
  MemoryWorld world;
  Outcomes outcomes;
  HeldServer server(world);
  auto client = world.Connect<Double>();
  std::stop_source cancel;
  client.CallAsync(1, {.cancellation = cancel.get_token()}, outcomes.Of(1));
  client.CallAsync(2, outcomes.Of(2));
  ASSERT_TRUE(server.WaitForCall());
  cancel.request_stop();
  ASSERT_TRUE(outcomes.WaitFor(1));
  EXPECT_EQ(outcomes.Code(1), absl::StatusCode::kCancelled);
  server.LetGo();
  ASSERT_TRUE(outcomes.WaitFor(2));
  EXPECT_EQ(outcomes.Only(2).value(), 2);
}

TEST(AsyncCall, EndsWhenItsParentIsCancelled) {
  MemoryWorld world;
  Outcomes outcomes;
  HeldServer server(world);
  auto client = world.Connect<Double>();
  std::stop_source cancel;
  {
    // Is needed only until CallAsync returns.
    ServerContext parent;
    parent.cancellation = cancel.get_token();
    client.CallAsync(1, {.parent = &parent}, outcomes.Of(1));
  }
  ASSERT_TRUE(server.WaitForCall());
  cancel.request_stop();
  ASSERT_TRUE(outcomes.WaitFor(1));
  EXPECT_EQ(outcomes.Code(1), absl::StatusCode::kCancelled);
}

TEST(AsyncCall, TakesACallbackThatCannotBeCopied) {
  MemoryWorld world;
  const auto server = world.Serve(Doubling());
  auto client = world.Connect<Double>();
  Gate called;
  auto owned = std::make_unique<std::int64_t>(5);
  client.CallAsync(2, [&called, owned = std::move(owned)](Result result) {
    if (result.ok() && *result + *owned == 9) called.Open();
  });
  EXPECT_TRUE(called.Wait());
}

TEST(AsyncCall, AMethodWithoutResultCallsBackWithAStatus) {
  MemoryWorld world;
  const auto server = world.Serve(Handle<Ping>([] {}));
  auto client = world.Connect<Ping>();
  Gate called;
  client.CallAsync([&](const absl::Status& status) {
    if (status.ok()) called.Open();
  });
  EXPECT_TRUE(called.Wait());
}

TEST(AsyncCall, RunsAsManyCallbacksAtOnceAsItIsTold) {
  MemoryWorld world;
  const auto server = world.Serve(Doubling());
  std::latch all_run(4);
  auto client = world.Connect<Double>({.callback_threads = 3});
  for (int i = 0; i < 3; ++i) {
    client.CallAsync(i, [&](const Result&) { all_run.arrive_and_wait(); });
  }
  // Hangs if two threads ran the three.
  all_run.arrive_and_wait();
}

TEST(AsyncCall, RunsCallbacksOneByOneUnlessItIsTold) {
  EXPECT_EQ(MemoryOptions().callback_threads, 1);
  MemoryWorld world;
  Outcomes outcomes;
  const auto server = world.Serve(Doubling());
  auto client = world.Connect<Double>();
  for (int i = 0; i < 50; ++i) client.CallAsync(i, outcomes.Of(i));
  ASSERT_TRUE(outcomes.WaitFor(50));
  const auto threads = outcomes.threads();
  EXPECT_EQ(std::set(threads.begin(), threads.end()).size(), 1u);
}

TEST(AsyncCall, WithoutCallbackThreadsCallsBackWhereTheReplyCame) {
  MemoryWorld world;
  Outcomes outcomes;
  // Served, and so replied to, on the thread that submits.
  const auto server = world.Serve(Doubling(), {.server = {.workers = 0}});
  auto client = world.Connect<Double>({.callback_threads = 0});
  // What was submitted before the server took requests is served by it.
  ASSERT_TRUE(client.Call(1).ok());
  client.CallAsync(1, outcomes.Of(1));
  client.CallAsync(1, {.timeout = absl::ZeroDuration()}, outcomes.Of(2));
  EXPECT_EQ(outcomes.Only(1).value(), 2);
  EXPECT_EQ(outcomes.Code(2), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(outcomes.threads(), Each(std::this_thread::get_id()));
}

// Overflows the stack if a callback ran within the one that caused it.
TEST(AsyncCall, WithoutCallbackThreadsCallsMayFollowOneAnotherForLong) {
  constexpr int kCalls = 100'000;
  MemoryWorld world;
  auto client = world.Connect<Double>({.callback_threads = 0});
  int calls = 0;
  // Each fails before it is sent.
  const CallOptions expired = {.timeout = absl::ZeroDuration()};
  std::function<void(const Result&)> next = [&](const Result&) {
    if (++calls < kCalls) client.CallAsync(1, expired, next);
  };
  client.CallAsync(1, expired, next);
  EXPECT_EQ(calls, kCalls);
}

// Hangs if one of them waited: there will never be room.
TEST(AsyncCall, WithoutCallbackThreadsACallbackMayNotWait) {
  MemoryWorld world;
  auto client =
      world.Connect<Double>({.max_in_flight = 0, .callback_threads = 0});
  Outcomes outcomes;
  const CallOptions patient = {.timeout = absl::InfiniteDuration(),
                               .when_full = WhenFull::kWait};
  client.CallAsync(1, [&](const Result&) {
    outcomes.Of(1)(client.Call(1, patient));
    outcomes.Of(2)(client.CallBatch({1}, patient).front());
    client.CallAsync(1, patient, outcomes.Of(3));
  });
  ASSERT_TRUE(outcomes.WaitFor(3));
  EXPECT_EQ(outcomes.Code(1), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(outcomes.Code(2), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(outcomes.Code(3), absl::StatusCode::kResourceExhausted);
  for (const int call : {1, 2, 3}) {
    EXPECT_FALSE(MayHaveRun(outcomes.Only(call).status()));
  }
}

// Hangs if a callback ran under a lock of the endpoint's or of the broker's.
TEST(AsyncCall, ACallbackMayCallTheEndpoint) {
  MemoryWorld world;
  const auto server = world.Serve(Doubling());
  auto client = world.Connect<Double>();
  Outcomes outcomes;
  client.CallAsync(1, [&](const Result& one) {
    const Result two = client.Call(*one);
    client.CallAsync(*two, outcomes.Of(1));
    EXPECT_EQ(client.call_counters().started, 3u);
  });
  ASSERT_TRUE(outcomes.WaitFor(1));
  EXPECT_EQ(outcomes.Only(1).value(), 8);
}

TEST(AsyncCall, CallsMayFollowOneAnotherForLong) {
  constexpr int kCalls = 20'000;
  MemoryWorld world;
  const auto server = world.Serve(Doubling(), {.server = {.workers = 0}});
  auto client = world.Connect<Double>();
  Gate done;
  int calls = 0;
  std::function<void(const Result&)> next = [&](const Result& result) {
    if (!result.ok() || ++calls == kCalls) return done.Open();
    client.CallAsync(1, next);
  };
  client.CallAsync(1, next);
  ASSERT_TRUE(done.Wait());
  EXPECT_EQ(calls, kCalls);
}

TEST(AsyncCall, ACallbackMayCancelOtherCalls) {
  MemoryWorld world;
  Outcomes outcomes;
  HeldServer server(world);
  auto client = world.Connect<Double>();
  std::stop_source cancel;
  client.CallAsync(1, {.cancellation = cancel.get_token()}, outcomes.Of(1));
  ASSERT_TRUE(server.WaitForCall());
  client.CallAsync(2, {.timeout = absl::ZeroDuration()},
                   [&](const Result&) { cancel.request_stop(); });
  ASSERT_TRUE(outcomes.WaitFor(1));
  EXPECT_EQ(outcomes.Code(1), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace rpc::testing
