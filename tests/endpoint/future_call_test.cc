#include <cstdint>
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
#include "rpc/handler/fibonacci.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/transport/direct_transport.h"
#include "tests/core/handling.h"
#include "tests/endpoint/held_server.h"
#include "tests/endpoint/memory_world.h"

namespace rpc::testing {
namespace {

using ::testing::HasSubstr;
using Result = absl::StatusOr<std::int64_t>;

TEST(FutureCall, HasWhatCallWouldHaveReturned) {
  MemoryWorld world;
  const auto server = world.Serve(Doubling());
  auto client = world.Connect<Double>();
  Future<Double> future = client.CallFuture(21);
  EXPECT_EQ(std::move(future).Get().value(), 42);
}

TEST(FutureCall, ManyAreUnderWayAtOnce) {
  MemoryWorld world;
  HeldServer server(world, {.server = {.workers = 2}});
  auto client = world.Connect<Double>();
  Future<Double> first = client.CallFuture(1);
  Future<Double> second = client.CallFuture(2);
  ASSERT_TRUE(server.WaitForCall());
  EXPECT_FALSE(first.ready());
  EXPECT_FALSE(first.WaitFor(absl::Milliseconds(1)));
  server.LetGo();
  EXPECT_EQ(std::move(second).Get().value(), 2);
  EXPECT_TRUE(first.WaitFor(kPatience));
  EXPECT_TRUE(first.ready());
  EXPECT_EQ(std::move(first).Get().value(), 1);
}

TEST(FutureCall, SaysWhyThereIsNoResult) {
  MemoryWorld world;
  const auto server = world.Serve(Handle<Double>(
      [](std::int64_t) -> Result { return absl::OutOfRangeError("far"); }));
  auto client = world.Connect<Double>();
  const Result far = client.CallFuture(1).Get();
  EXPECT_EQ(far.status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(far.status().message()),
              HasSubstr("double over queue \"rpc\" in memory, attempt 1, "));
  // What is refused before it is sent.
  Future<Double> expired =
      client.CallFuture(1, {.timeout = absl::ZeroDuration()});
  EXPECT_TRUE(expired.ready());
  const Result late = std::move(expired).Get();
  EXPECT_EQ(late.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_FALSE(MayHaveRun(late.status()));
}

TEST(FutureCall, EndsByItsDeadline) {
  MemoryWorld world;
  HeldServer server(world);
  auto client = world.Connect<Double>();
  const Result result =
      client.CallFuture(1, {.timeout = absl::Milliseconds(50)}).Get();
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(MayHaveRun(result.status()));
}

TEST(FutureCall, EndsWhenItsCallerCancels) {
  MemoryWorld world;
  HeldServer server(world);
  auto client = world.Connect<Double>();
  std::stop_source cancel;
  Future<Double> future =
      client.CallFuture(1, {.cancellation = cancel.get_token()});
  ASSERT_TRUE(server.WaitForCall());
  cancel.request_stop();
  EXPECT_EQ(std::move(future).Get().status().code(),
            absl::StatusCode::kCancelled);
}

TEST(FutureCall, OneThatNobodyWantsEndsNoCall) {
  MemoryWorld world;
  HeldServer server(world);
  auto client = world.Connect<Double>();
  { Future<Double> unwanted = client.CallFuture(1); }
  Future<Double> wanted = client.CallFuture(2);
  ASSERT_TRUE(server.WaitForCall());
  server.LetGo();
  EXPECT_EQ(std::move(wanted).Get().value(), 2);
  EXPECT_EQ(server.runs(), 2);
  EXPECT_EQ(client.call_counters().unknown_replies, 0u);
}

TEST(FutureCall, MayBeDestroyedAfterItsEndpoint) {
  MemoryWorld world;
  HeldServer server(world);
  std::optional<Future<Double>> future;
  std::stop_source cancel;
  {
    auto client = world.Connect<Double>();
    future = client.CallFuture(1, {.cancellation = cancel.get_token()});
    ASSERT_TRUE(server.WaitForCall());
  }
  EXPECT_TRUE(future->ready());
  cancel.request_stop();
  future.reset();
}

TEST(FutureCall, AMethodWithoutResultHasAStatus) {
  MemoryWorld world;
  const auto server = world.Serve(Handle<Ping>([] {}));
  auto client = world.Connect<Ping>();
  EXPECT_EQ(client.CallFuture().Get(), absl::OkStatus());
}

TEST(FutureCall, IsReadyOverATransportOfTheSameThread) {
  using Direct =
      RpcEndpoint<DirectTransport, DecimalSerializer, Fibonacci<std::uint64_t>>;
  auto endpoint = Direct::Open();
  ASSERT_TRUE(endpoint.ok());
  auto future = endpoint->CallFuture(90);
  EXPECT_TRUE(future.ready());
  EXPECT_EQ(std::move(future).Get().value(), 2880067194370816120u);
}

}  // namespace
}  // namespace rpc::testing
