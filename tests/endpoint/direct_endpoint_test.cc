#include <cstdint>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rpc/core/codec.h"
#include "rpc/endpoint.h"
#include "rpc/handler/fibonacci.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/transport/direct_transport.h"
#include "tests/core/handling.h"

namespace rpc::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

using FibonacciEndpoint =
    RpcEndpoint<DirectTransport, DecimalSerializer, Fibonacci<std::uint64_t>>;

// The road of a whole call, run by the compiler.
static_assert(RoundTrip<DecimalSerializer, Fibonacci<std::uint64_t>>(90) ==
              2880067194370816120);
static_assert(RoundTrip<DecimalSerializer, Fibonacci<std::uint64_t>>(0) == 0);

// Policies without state cost nothing, and an endpoint of them is no larger
// than any object must be.
static_assert(sizeof(FibonacciEndpoint) == 1);
static_assert(std::is_nothrow_move_constructible_v<FibonacciEndpoint>);

struct WithState {
  using Method = Double;
  std::int64_t operator()(std::int64_t n) const { return n * factor; }
  std::int64_t factor;
};
static_assert(
    sizeof(RpcEndpoint<DirectTransport, DecimalSerializer, WithState>) ==
    sizeof(WithState));

template <typename Handler>
auto Open(Handler handler) {
  return *RpcEndpoint<DirectTransport, ListSerializer, Handler>::Open(
      {}, std::move(handler));
}

TEST(DirectEndpoint, ReturnsTheHandlersValue) {
  auto endpoint = FibonacciEndpoint::Open();
  ASSERT_TRUE(endpoint.ok());
  EXPECT_EQ(endpoint->Call(90).value(), 2880067194370816120u);
}

TEST(DirectEndpoint, ReturnsTheHandlersStatus) {
  auto endpoint = FibonacciEndpoint::Open();
  const absl::Status status = endpoint->Call(94).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(std::string(status.message()),
              StartsWith("fibonacci over direct: "));
  EXPECT_TRUE(MayHaveRun(status));
}

TEST(DirectEndpoint, TakesAnyNumberOfArguments) {
  int pings = 0;
  auto ping = Open(Handle<Ping>([&] { ++pings; }));
  const absl::Status pong = ping.Call();
  EXPECT_TRUE(pong.ok()) << pong;
  EXPECT_EQ(pings, 1);
  auto add =
      Open(Handle<Add>([](std::int64_t a, std::int64_t b) { return a - b; }));
  EXPECT_EQ(add.Call(7, 4).value(), 3);
  auto grow = Open(Handle<Grow>([](Heavy heavy) { return heavy; }));
  EXPECT_EQ(**grow.Call(std::make_unique<std::int64_t>(5)), 5);
}

TEST(DirectEndpoint, AThrowingHandlerIsUnknown) {
  auto endpoint = Open(Handle<Double>([](std::int64_t n) {
    if (n == 0) throw std::runtime_error("the roof is on fire");
    return n;
  }));
  const absl::Status status = endpoint.Call(0).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnknown);
  EXPECT_THAT(std::string(status.message()), HasSubstr("roof"));
}

TEST(DirectEndpoint, RunsOnTheCallersThreadAndCallsBackBeforeItReturns) {
  std::thread::id ran_on;
  auto endpoint = Open(Handle<Double>([&](std::int64_t n) {
    ran_on = std::this_thread::get_id();
    return n;
  }));
  std::int64_t result = 0;
  endpoint.CallAsync(3, [&](absl::StatusOr<std::int64_t> n) { result = *n; });
  EXPECT_EQ(result, 3);
  EXPECT_EQ(ran_on, std::this_thread::get_id());
}

TEST(DirectEndpoint, GoesThroughTheSerializer) {
  auto endpoint = Open(Handle<Echo>([](std::string text) { return text; }));
  const absl::Status status =
      endpoint.Call(std::string(ListSerializer::kUnspeakable)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(MayHaveRun(status));
}

TEST(DirectEndpoint, HandsTheCallsOptionsToTheHandler) {
  Deadline deadline;
  Metadata metadata;
  bool can_be_cancelled = false;
  auto endpoint =
      Open(Handle<Double>([&](const ServerContext& context, std::int64_t n) {
        deadline = context.deadline;
        metadata = *context.metadata;
        can_be_cancelled = context.cancellation.stop_possible();
        return n;
      }));
  ASSERT_TRUE(endpoint.Call(1).ok());
  EXPECT_TRUE(deadline.is_never());
  EXPECT_TRUE(metadata.empty());
  EXPECT_FALSE(can_be_cancelled);

  std::stop_source cancel;
  const TimePoint begin = Clock::now();
  ASSERT_TRUE(endpoint
                  .Call(1, {.timeout = absl::Hours(1),
                            .cancellation = cancel.get_token(),
                            .metadata = {{"tenant", "t7"}}})
                  .ok());
  EXPECT_GE(deadline, Deadline(begin + std::chrono::hours(1)));
  EXPECT_LT(deadline, Deadline(begin + std::chrono::hours(2)));
  EXPECT_EQ(metadata, (Metadata{{"tenant", "t7"}}));
  EXPECT_TRUE(can_be_cancelled);

  const Metadata parents = {{"traceparent", "00-1"}, {"secret", "42"}};
  const ServerContext parent = {
      .deadline = Deadline(begin + std::chrono::minutes(1)),
      .cancellation = cancel.get_token(),
      .metadata = &parents};
  ASSERT_TRUE(
      endpoint.Call(1, {.timeout = absl::Hours(1), .parent = &parent}).ok());
  EXPECT_EQ(deadline, parent.deadline);
  EXPECT_EQ(metadata, (Metadata{{"traceparent", "00-1"}}));
  EXPECT_TRUE(can_be_cancelled);
}

TEST(DirectEndpoint, DoesNotRunWhatIsOverBefore) {
  int runs = 0;
  auto endpoint = Open(Handle<Double>([&](std::int64_t n) {
    ++runs;
    return n;
  }));
  std::stop_source cancel;
  cancel.request_stop();
  const ServerContext cancelled = {.cancellation = cancel.get_token()};
  const ServerContext late = {.deadline = Deadline(Clock::now())};
  const std::pair<CallOptions, absl::StatusCode> cases[] = {
      {{.timeout = absl::ZeroDuration()}, absl::StatusCode::kDeadlineExceeded},
      {{.parent = &late}, absl::StatusCode::kDeadlineExceeded},
      {{.cancellation = cancel.get_token()}, absl::StatusCode::kCancelled},
      {{.parent = &cancelled}, absl::StatusCode::kCancelled},
      {{.metadata = {{"CC", "x"}}}, absl::StatusCode::kInvalidArgument},
  };
  for (const auto& [options, code] : cases) {
    const absl::Status status = endpoint.Call(1, options).status();
    EXPECT_EQ(status.code(), code);
    EXPECT_FALSE(MayHaveRun(status));
  }
  EXPECT_EQ(runs, 0);
}

TEST(DirectEndpoint, CountsNothing) {
  auto endpoint = FibonacciEndpoint::Open();
  ASSERT_TRUE(endpoint->Call(1).ok());
  EXPECT_EQ(endpoint->call_counters().started, 0u);
  EXPECT_EQ(endpoint->server_counters().succeeded, 0u);
}

}  // namespace
}  // namespace rpc::testing
