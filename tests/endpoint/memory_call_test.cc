#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
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

namespace rpc::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

std::string MessageOf(const absl::Status& status) {
  return std::string(status.message());
}

TEST(MemoryCall, ReturnsTheHandlersValue) {
  MemoryWorld world;
  const auto server = world.Serve(Doubling());
  auto client = world.Connect<Double>();
  EXPECT_EQ(client.Call(21).value(), 42);
  EXPECT_EQ(client.Call(-1).value(), -2);
}

TEST(MemoryCall, TakesAnyNumberOfArguments) {
  MemoryWorld world;
  int pings = 0;
  const auto pinged = world.Serve(Handle<Ping>([&] { ++pings; }),
                                  {.transport = {.queue = "ping"}});
  const auto added = world.Serve(
      Handle<Add>([](std::int64_t a, std::int64_t b) { return a - b; }),
      {.transport = {.queue = "add"}});
  auto ping = world.Connect<Ping>({.transport = {.queue = "ping"}});
  absl::Status pong = ping.Call();
  EXPECT_TRUE(pong.ok()) << pong;
  EXPECT_EQ(pings, 1);
  auto add = world.Connect<Add>({.transport = {.queue = "add"}});
  EXPECT_EQ(add.Call(7, 4).value(), 3);
}

TEST(MemoryCall, MovesWhatCannotBeCopied) {
  MemoryWorld world;
  const auto server = world.Serve(Handle<Grow>([](Heavy heavy) {
    *heavy += 1;
    return heavy;
  }));
  auto client = world.Connect<Grow>();
  absl::StatusOr<Heavy> grown = client.Call(std::make_unique<std::int64_t>(41));
  ASSERT_TRUE(grown.ok()) << grown.status();
  EXPECT_EQ(**grown, 42);
}

TEST(MemoryCall, ReturnsTheHandlersStatus) {
  MemoryWorld world;
  const auto server = world.Serve(
      Handle<Double>([](std::int64_t) -> absl::StatusOr<std::int64_t> {
        return WithRetryAfter(absl::OutOfRangeError("too far"),
                              absl::Seconds(3));
      }));
  const absl::Status status = world.Connect<Double>().Call(1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange);
  EXPECT_THAT(MessageOf(status), HasSubstr("too far"));
  EXPECT_TRUE(MayHaveRun(status));
  EXPECT_EQ(RetryAfter(status), absl::Seconds(3));
}

TEST(MemoryCall, AThrowingHandlerIsUnknown) {
  MemoryWorld world;
  const auto server = world.Serve(Handle<Double>([](std::int64_t n) {
    if (n == 0) throw std::runtime_error("the roof is on fire");
    if (n == 1) throw 7;
    return n;
  }));
  auto client = world.Connect<Double>();
  const absl::Status status = client.Call(0).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnknown);
  EXPECT_THAT(MessageOf(status), HasSubstr("the roof is on fire"));
  EXPECT_TRUE(MayHaveRun(status));
  EXPECT_EQ(client.Call(1).status().code(), absl::StatusCode::kUnknown);
  EXPECT_EQ(client.Call(2).value(), 2);
}

TEST(MemoryCall, AFailureNamesMethodQueueAttemptAndTime) {
  MemoryWorld world;
  const absl::Status status = world.Connect<Double>().Call(1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(MayHaveRun(status));
  EXPECT_THAT(MessageOf(status),
              MatchesRegex(
                  "double over queue \"rpc\" in memory, attempt 1, [0-9.]+.?s: "
                  ".*no queue.*"));
}

TEST(MemoryCall, ArgumentsThatDoNotEncodeAreNotSent) {
  MemoryWorld world;
  const auto server =
      world.Serve(Handle<Echo>([](std::string text) { return text; }));
  auto client = world.Connect<Echo>();
  const absl::Status status =
      client.Call(std::string(ListSerializer::kUnspeakable)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(status), AllOf(HasSubstr("encoding the arguments"),
                                       HasSubstr("does not travel")));
  EXPECT_FALSE(MayHaveRun(status));
  EXPECT_EQ(client.call_counters().started, 0u);
}

TEST(MemoryCall, ArgumentsThatDoNotDecodeAreAnswered) {
  MemoryWorld world;
  const auto server = world.Serve(Doubling());
  // Of the same name, and with other types.
  using Other = Method<"double", std::int64_t(std::string)>;
  const absl::Status status = world.Connect<Other>().Call("x").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(MessageOf(status), HasSubstr("arguments: no number"));
  EXPECT_FALSE(MayHaveRun(status));
  EXPECT_EQ(world.Connect<Double>().Call(4).value(), 8);
}

TEST(MemoryCall, AReplyThatDoesNotDecodeIsInternal) {
  MemoryWorld world;
  const auto server =
      world.Serve(Handle<Echo>([](std::string text) { return text; }));
  using Other = Method<"echo", std::int64_t(std::string)>;
  auto client = world.Connect<Other>();
  const absl::Status status = client.Call("x").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(MessageOf(status), HasSubstr("the reply is no result"));
  EXPECT_TRUE(MayHaveRun(status));
  EXPECT_EQ(client.Call("7").value(), 7);
}

TEST(MemoryCall, AResultThatDoesNotEncodeIsInternal) {
  MemoryWorld world;
  const auto server = world.Serve(Handle<Echo>([](const std::string&) {
    return std::string(ListSerializer::kUnspeakable);
  }));
  const absl::Status status = world.Connect<Echo>().Call("x").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(MessageOf(status), HasSubstr("encoding the result"));
  EXPECT_TRUE(MayHaveRun(status));
}

TEST(MemoryCall, EndsByTheEndpointsDefaultTimeout) {
  EXPECT_LT(MemoryOptions().default_timeout, absl::InfiniteDuration());
  MemoryWorld world;
  HeldServer server(world);
  auto client =
      world.Connect<Double>({.default_timeout = absl::Milliseconds(100)});
  const TimePoint begin = Clock::now();
  const absl::Status status = client.Call(1).status();
  const absl::Duration took = absl::FromChrono(Clock::now() - begin);
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(MayHaveRun(status));
  EXPECT_GE(took, absl::Milliseconds(100));
  EXPECT_LT(took, absl::Seconds(2));
  EXPECT_EQ(client.call_counters().expired, 1u);
}

TEST(MemoryCall, ItsOwnTimeoutGoesBeforeTheDefault) {
  MemoryWorld world;
  HeldServer server(world);
  auto client = world.Connect<Double>({.default_timeout = absl::Hours(1)});
  EXPECT_EQ(client.Call(1, {.timeout = absl::Milliseconds(5)}).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  auto hasty = world.Connect<Double>({.default_timeout = absl::Nanoseconds(1)});
  server.LetGo();
  EXPECT_EQ(hasty.Call(1, {.timeout = kPatience}).value(), 1);
}

TEST(MemoryCall, IsNotSentWhenItsTimeIsUpBefore) {
  MemoryWorld world;
  const auto server = world.Serve(Doubling());
  auto client = world.Connect<Double>();
  for (const absl::Duration timeout :
       {absl::ZeroDuration(), absl::Seconds(-1), -absl::InfiniteDuration()}) {
    const absl::Status status = client.Call(1, {.timeout = timeout}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
    EXPECT_FALSE(MayHaveRun(status));
  }
  EXPECT_EQ(client.call_counters().started, 0u);
}

TEST(MemoryCall, MayWaitForEver) {
  MemoryWorld world;
  const auto server = world.Serve(Handle<Double>(
      [](const ServerContext& context, std::int64_t) -> std::int64_t {
        return context.deadline.is_never() ? 1 : 0;
      }));
  auto client = world.Connect<Double>();
  EXPECT_EQ(client.Call(1, {.timeout = absl::InfiniteDuration()}).value(), 1);
}

// What the handler of one call was told.
struct Seen {
  Deadline deadline;
  Metadata metadata;
  std::string method;
};

auto Seeing(Seen* seen) {
  return Handle<Double>([seen](const ServerContext& context, std::int64_t n) {
    seen->deadline = context.deadline;
    seen->metadata = *context.metadata;
    seen->method = std::string(context.method);
    return n;
  });
}

TEST(MemoryCall, TakesTheSmallerDeadlineOfItselfAndItsParent) {
  MemoryWorld world;
  Seen seen;
  const auto server = world.Serve(Seeing(&seen));
  auto client = world.Connect<Double>();
  const TimePoint begin = Clock::now();
  ServerContext parent;
  parent.deadline = Deadline(begin + std::chrono::seconds(20));
  ASSERT_TRUE(
      client.Call(1, {.timeout = absl::Hours(1), .parent = &parent}).ok());
  EXPECT_EQ(seen.deadline, parent.deadline);
  parent.deadline = Deadline(begin + std::chrono::hours(2));
  ASSERT_TRUE(
      client.Call(1, {.timeout = absl::Hours(1), .parent = &parent}).ok());
  EXPECT_LT(seen.deadline, parent.deadline);
  EXPECT_GE(seen.deadline, Deadline(begin + std::chrono::hours(1)));
}

TEST(MemoryCall, IsNotSentWhenItsParentsTimeIsUp) {
  MemoryWorld world;
  auto client = world.Connect<Double>();
  ServerContext parent;
  parent.deadline = Deadline(Clock::now());
  const absl::Status status = client.Call(1, {.parent = &parent}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_FALSE(MayHaveRun(status));
}

TEST(MemoryCall, CarriesMetadataAndItsParentsTrace) {
  MemoryWorld world;
  Seen seen;
  const auto server = world.Serve(Seeing(&seen));
  auto client = world.Connect<Double>();
  const Metadata parents = {
      {"traceparent", "00-1"}, {"tracestate", "s=1"}, {"secret", "42"}};
  ServerContext parent;
  parent.metadata = &parents;
  ASSERT_TRUE(
      client.Call(1, {.parent = &parent, .metadata = {{"tenant", "t7"}}}).ok());
  EXPECT_EQ(seen.metadata, (Metadata{{"tenant", "t7"},
                                     {"traceparent", "00-1"},
                                     {"tracestate", "s=1"}}));
  ASSERT_TRUE(
      client.Call(1, {.parent = &parent, .metadata = {{"traceparent", "00-2"}}})
          .ok());
  EXPECT_EQ(seen.metadata,
            (Metadata{{"traceparent", "00-2"}, {"tracestate", "s=1"}}));
}

TEST(MemoryCall, RefusesMetadataThatIsNotTheCallers) {
  MemoryWorld world;
  auto client = world.Connect<Double>();
  const std::vector<Metadata> refused = {
      {{"CC", "other_queue"}},
      {{"BCC", "other_queue"}},
      {{"x-match", "any"}},
      {{"rpc-method", "other"}},
      {{"", "empty"}},
      {{std::string(129, 'k'), "long"}},
      {{"fine", std::string(8193, 'v')}},
  };
  for (const Metadata& metadata : refused) {
    const absl::Status status = client.Call(1, {.metadata = metadata}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_FALSE(MayHaveRun(status));
  }
  EXPECT_EQ(client.call_counters().started, 0u);
}

TEST(MemoryCall, EndsWhenItsCallerCancels) {
  MemoryWorld world;
  HeldServer server(world);
  auto client = world.Connect<Double>();
  std::stop_source cancel;
  std::jthread canceller([&] {
    server.WaitForCall();
    cancel.request_stop();
  });
  const absl::Status status =
      client.Call(1, {.cancellation = cancel.get_token()}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(MayHaveRun(status));
}

TEST(MemoryCall, EndsWhenItsParentIsCancelled) {
  MemoryWorld world;
  HeldServer server(world);
  auto client = world.Connect<Double>();
  std::stop_source cancel;
  ServerContext parent;
  parent.cancellation = cancel.get_token();
  std::jthread canceller([&] {
    server.WaitForCall();
    cancel.request_stop();
  });
  EXPECT_EQ(client.Call(1, {.parent = &parent}).status().code(),
            absl::StatusCode::kCancelled);
}

TEST(MemoryCall, IsNotSentWhenItIsCancelledBefore) {
  MemoryWorld world;
  std::atomic<int> runs = 0;
  const auto server = world.Serve(Handle<Double>([&](std::int64_t n) {
    ++runs;
    return n;
  }));
  auto client = world.Connect<Double>();
  std::stop_source cancel;
  cancel.request_stop();
  const absl::Status status =
      client.Call(1, {.cancellation = cancel.get_token()}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_FALSE(MayHaveRun(status));
  EXPECT_EQ(runs, 0);
}

TEST(MemoryCall, ACancelledCallTouchesNoOther) {
  MemoryWorld world;
  HeldServer server(world);
  auto client = world.Connect<Double>();
  std::optional<absl::StatusOr<std::int64_t>> other;
  std::jthread caller([&] { other = client.Call(7); });
  ASSERT_TRUE(server.WaitForCall());
  std::stop_source cancel;
  std::jthread canceller([&] { cancel.request_stop(); });
  EXPECT_FALSE(client.Call(1, {.cancellation = cancel.get_token()}).ok());
  EXPECT_FALSE(client.Call(1, {.timeout = absl::Milliseconds(1)}).ok());
  server.LetGo();
  caller.join();
  EXPECT_EQ(other->value(), 7);
}

TEST(MemoryCall, MoreThanMaxInFlightAreRefusedAtOnce) {
  MemoryWorld world;
  HeldServer server(world);
  auto client = world.Connect<Double>({.max_in_flight = 1});
  std::optional<absl::StatusOr<std::int64_t>> first;
  std::jthread caller([&] { first = client.Call(7); });
  ASSERT_TRUE(server.WaitForCall());
  const absl::Status status = client.Call(1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(MessageOf(status), HasSubstr("max_in_flight"));
  EXPECT_FALSE(MayHaveRun(status));
  server.LetGo();
  caller.join();
  EXPECT_EQ(first->value(), 7);
  EXPECT_EQ(client.Call(8).value(), 8);
}

TEST(MemoryCall, OpenSaysWhatTheTransportLacks) {
  auto endpoint = MemoryEndpoint<Double>::Open({});
  EXPECT_EQ(endpoint.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(MessageOf(endpoint.status()), HasSubstr("Options::broker"));
}

}  // namespace
}  // namespace rpc::testing
