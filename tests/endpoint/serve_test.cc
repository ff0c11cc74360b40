#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
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

using ::testing::HasSubstr;
using Result = absl::StatusOr<std::int64_t>;

// Answers its caller when it is told to stop, and not before.
auto UntilCancelled(Gate* entered) {
  return Handle<Double>([entered](const ServerContext& context, std::int64_t) {
    Gate cancelled;
    const std::stop_callback wake(context.cancellation,
                                  [&] { cancelled.Open(); });
    entered->Open();
    return cancelled.Wait() ? Result(absl::AbortedError("cut short"))
                            : Result(1);
  });
}

TEST(Serve, ReturnsWhenItIsStopped) {
  MemoryWorld world;
  const auto server = world.Serve(Doubling());
  EXPECT_EQ(world.Connect<Double>().Call(1).value(), 2);
  const absl::Status status = server->Stop();
  EXPECT_TRUE(status.ok()) << status;
}

TEST(Serve, ReturnsAtOnceIfItWasStoppedBefore) {
  MemoryWorld world;
  auto server =
      MemoryEndpoint<decltype(Doubling())>::Open(world.With({}), Doubling());
  std::stop_source stop;
  stop.request_stop();
  EXPECT_TRUE(server->Serve(stop.get_token()).ok());
}

TEST(Serve, MayComeAgain) {
  MemoryWorld world;
  std::atomic<int> servings = 0;
  auto server = MemoryEndpoint<decltype(Doubling())>::Open(
      world.With({.server = {.on_serving = [&] { ++servings; }}}), Doubling());
  for (int round = 1; round <= 3; ++round) {
    std::stop_source stop;
    auto client = world.Connect<Double>();
    std::optional<Result> result;
    std::jthread caller([&] {
      do {
        result = client.Call(round);
      } while (result->status().code() == absl::StatusCode::kUnavailable);
      stop.request_stop();
    });
    EXPECT_TRUE(server->Serve(stop.get_token()).ok());
    caller.join();
    EXPECT_EQ(result->value(), 2 * round);
    EXPECT_EQ(servings, round);
    EXPECT_EQ(server->server_counters().succeeded, 1u);
  }
}

TEST(Serve, IsRefusedWhileItServes) {
  MemoryWorld world;
  const auto server = world.Serve(Doubling());
  const absl::Status status = server->endpoint().Serve({});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(world.Connect<Double>().Call(1).value(), 2);
}

TEST(Serve, SaysWhyItCannot) {
  MemoryWorld world;
  const auto server = world.Serve(Doubling());
  auto other = MemoryEndpoint<decltype(Doubling())>::Open(
      world.With({.transport = {.queue_options =
                                    MemoryQueueOptions{.max_length = 7}}}),
      Doubling());
  const absl::Status status = other->Serve({});
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("serving over queue \"rpc\" in memory: "));
  // It did not serve, and may try again.
  EXPECT_THAT(std::string(other->Serve({}).message()),
              HasSubstr("other options"));
}

TEST(ServeInBackground, ServesUntilItsThreadEnds) {
  MemoryWorld world;
  std::atomic<int> servings = 0;
  auto server = MemoryEndpoint<decltype(Doubling())>::Open(
      world.With({.server = {.on_serving = [&] { ++servings; }}}), Doubling());
  auto client = world.Connect<Double>();
  for (int round = 1; round <= 3; ++round) {
    auto thread = server->ServeInBackground();
    ASSERT_TRUE(thread.ok()) << thread.status();
    EXPECT_EQ(servings, round);
    EXPECT_EQ(client.Call(4).value(), 8);
    if (round == 2) {
      EXPECT_TRUE(thread->Stop().ok());
    }
  }
  EXPECT_EQ(client.Call(4, {.timeout = absl::Milliseconds(1)}).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST(ServeInBackground, SaysWhyItCannot) {
  MemoryWorld world;
  const auto server = world.Serve(Doubling());
  EXPECT_EQ(server->endpoint().ServeInBackground().status().code(),
            absl::StatusCode::kFailedPrecondition);
}

// A handler is held open and requests are delivered meanwhile.
TEST(Drain, FinishesWhatBeganAndGivesBackTheRest) {
  MemoryWorld world;
  Outcomes outcomes;
  HeldServer first(world, {.server = {.workers = 1}});
  auto client = world.Connect<Double>();
  client.CallAsync(1, outcomes.Of(1));
  ASSERT_TRUE(first.WaitForCall());
  client.CallAsync(2, outcomes.Of(2));
  client.CallAsync(3, outcomes.Of(3));
  std::atomic<int> redelivered = 0;
  const auto second = world.Serve(
      Handle<Double>([&](const ServerContext& context, std::int64_t n) {
        redelivered += context.redelivered ? 1 : 0;
        return 100 * n;
      }));
  first->RequestStop();
  // Only the second server can have answered these.
  ASSERT_TRUE(outcomes.WaitFor(2));
  EXPECT_EQ(outcomes.Only(2).value(), 200);
  EXPECT_EQ(outcomes.Only(3).value(), 300);
  EXPECT_EQ(redelivered, 2);
  // The first one takes no more.
  for (int n = 4; n < 8; ++n) EXPECT_EQ(client.Call(n).value(), 100 * n);
  first.LetGo();
  EXPECT_TRUE(first->Stop().ok());
  ASSERT_TRUE(outcomes.WaitFor(3));
  EXPECT_EQ(outcomes.Only(1).value(), 1);
  EXPECT_EQ(first.runs(), 1);
  EXPECT_EQ(first->endpoint().server_counters().succeeded, 1u);
  EXPECT_EQ(first->endpoint().server_counters().given_back, 2u);
  EXPECT_EQ(second->endpoint().server_counters().redelivered, 2u);
}

TEST(Drain, CancelsWhatRunsWhenItsTimeIsUp) {
  MemoryWorld world;
  Gate entered;
  const auto server =
      world.Serve(UntilCancelled(&entered),
                  {.server = {.drain_timeout = absl::Milliseconds(10)}});
  auto client = world.Connect<Double>();
  std::optional<Result> result;
  std::jthread caller([&] { result = client.Call(1); });
  ASSERT_TRUE(entered.Wait());
  const TimePoint begin = Clock::now();
  EXPECT_EQ(server->Stop().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_GE(Clock::now() - begin, std::chrono::milliseconds(10));
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(1));
  caller.join();
  EXPECT_EQ(result->status().code(), absl::StatusCode::kAborted);
}

TEST(Drain, CancelsWhatRunsOnTheTransportsThreadToo) {
  MemoryWorld world;
  Gate entered;
  const auto server = world.Serve(
      UntilCancelled(&entered),
      {.server = {.workers = 0, .drain_timeout = absl::Milliseconds(10)}});
  auto client = world.Connect<Double>();
  std::optional<Result> result;
  std::jthread caller([&] { result = client.Call(1); });
  ASSERT_TRUE(entered.Wait());
  EXPECT_EQ(server->Stop().code(), absl::StatusCode::kDeadlineExceeded);
  caller.join();
  EXPECT_EQ(result->status().code(), absl::StatusCode::kAborted);
}

TEST(Drain, WaitsForWhatRunsOnTheTransportsThread) {
  MemoryWorld world;
  HeldServer server(world, {.server = {.workers = 0}});
  auto client = world.Connect<Double>();
  std::optional<Result> result;
  std::jthread caller([&] { result = client.Call(1); });
  ASSERT_TRUE(server.WaitForCall());
  server->RequestStop();
  std::jthread releaser([&] { server.LetGo(); });
  EXPECT_TRUE(server->Stop().ok());
  caller.join();
  EXPECT_EQ(result->value(), 1);
}

}  // namespace
}  // namespace rpc::testing
