#include <chrono>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <memory>
#include <stop_token>
#include <thread>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/endpoint.h"
#include "rpc/handler/fibonacci.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/transport/direct_transport.h"
#include "tests/core/gate.h"
#include "tests/core/handling.h"
#include "tests/core/list_serializer.h"
#include "tests/endpoint/held_server.h"
#include "tests/endpoint/memory_world.h"
#include "tests/endpoint/outcomes.h"

namespace rpc::testing {
namespace {

using Result = absl::StatusOr<std::int64_t>;

TEST(BatchCall, ReturnsTheResultsInTheOrderOfTheArguments) {
  MemoryWorld world;
  const auto server = world.Serve(Doubling(), {.server = {.workers = 3}});
  auto client = world.Connect<Double>();
  std::vector<std::int64_t> arguments;
  for (std::int64_t n = 0; n < 1000; ++n) arguments.push_back(n);
  const std::vector<Result> results = client.CallBatch(arguments);
  ASSERT_EQ(results.size(), 1000u);
  for (std::size_t n = 0; n < 1000; ++n) {
    EXPECT_EQ(results[n].value(), static_cast<std::int64_t>(2 * n));
  }
}

TEST(BatchCall, MakesAllCallsAtOnce) {
  MemoryWorld world;
  std::latch all_run(4);
  const auto server = world.Serve(Handle<Double>([&](std::int64_t n) {
                                    all_run.arrive_and_wait();
                                    return n;
                                  }),
                                  {.server = {.workers = 4}});
  auto client = world.Connect<Double>();
  // Hangs if one waited for another.
  for (const Result& result : client.CallBatch({1, 2, 3, 4})) {
    EXPECT_TRUE(result.ok());
  }
}

TEST(BatchCall, OneFailureIsNoOthers) {
  MemoryWorld world;
  const auto server = world.Serve(Handle<Double>([](std::int64_t n) -> Result {
    if (n == 2) return absl::OutOfRangeError("two");
    return n;
  }));
  auto client = world.Connect<Double>();
  const std::vector<Result> results = client.CallBatch({1, 2, 3});
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[0].value(), 1);
  EXPECT_EQ(results[1].status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(results[2].value(), 3);
}

TEST(BatchCall, OfNothingIsNothing) {
  MemoryWorld world;
  auto client = world.Connect<Double>();
  EXPECT_TRUE(client.CallBatch({}).empty());
}

TEST(BatchCall, EachCallHasTheOptionsOfAll) {
  MemoryWorld world;
  HeldServer server(world);
  auto client = world.Connect<Double>();
  const TimePoint begin = Clock::now();
  for (const Result& result :
       client.CallBatch({1, 2, 3}, {.timeout = absl::Milliseconds(50)})) {
    EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded);
  }
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(5));
}

TEST(BatchCall, CancellationEndsAllOfThem) {
  MemoryWorld world;
  HeldServer server(world);
  auto client = world.Connect<Double>();
  std::stop_source cancel;
  std::jthread canceller([&] {
    server.WaitForCall();
    cancel.request_stop();
  });
  for (const Result& result :
       client.CallBatch({1, 2, 3}, {.cancellation = cancel.get_token()})) {
    EXPECT_EQ(result.status().code(), absl::StatusCode::kCancelled);
  }
}

TEST(BatchCall, SaysOfEachWhyItWasNotMade) {
  MemoryWorld world;
  HeldServer server(world);
  auto client = world.Connect<Double>({.max_in_flight = 2});
  const std::vector<Result> results =
      client.CallBatch({1, 2, 3}, {.timeout = absl::Milliseconds(50)});
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[0].status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(results[1].status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(results[2].status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(MayHaveRun(results[2].status()));
}

TEST(BatchCall, TakesTuplesWhereAMethodHasSeveralArguments) {
  MemoryWorld world;
  const auto server = world.Serve(
      Handle<Add>([](std::int64_t a, std::int64_t b) { return a + b; }));
  auto client = world.Connect<Add>();
  const std::vector<Result> results =
      client.CallBatch({std::tuple(1, 2), std::tuple(3, 4)});
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(results[0].value(), 3);
  EXPECT_EQ(results[1].value(), 7);
}

TEST(BatchCall, TakesWhatCannotBeCopied) {
  MemoryWorld world;
  const auto server =
      world.Serve(Handle<Grow>([](Heavy heavy) { return heavy; }));
  auto client = world.Connect<Grow>();
  std::vector<Heavy> arguments;
  arguments.push_back(std::make_unique<std::int64_t>(1));
  arguments.push_back(std::make_unique<std::int64_t>(2));
  const auto results = client.CallBatch(arguments);
  ASSERT_EQ(results.size(), 2u);
  ASSERT_TRUE(results[1].ok()) << results[1].status();
  EXPECT_EQ(**results[1], 2);
}

TEST(BatchCall, RunsOneByOneOverATransportOfTheSameThread) {
  using Direct =
      RpcEndpoint<DirectTransport, DecimalSerializer, Fibonacci<std::uint64_t>>;
  auto endpoint = Direct::Open();
  ASSERT_TRUE(endpoint.ok());
  const auto results = endpoint->CallBatch({1, 90, 94});
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[1].value(), 2880067194370816120u);
  EXPECT_EQ(results[2].status().code(), absl::StatusCode::kOutOfRange);
}

}  // namespace
}  // namespace rpc::testing
