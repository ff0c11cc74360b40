#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/endpoint.h"
#include "rpc/message/envelope.h"
#include "rpc/message/method.h"
#include "rpc/message/server_context.h"
#include "rpc/transport/direct_transport.h"
#include "tests/core/gate.h"
#include "tests/core/handling.h"
#include "tests/core/list_serializer.h"
#include "tests/endpoint/least_transports.h"
#include "tests/endpoint/memory_world.h"
#include "tests/endpoint/outcomes.h"

namespace rpc::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Result = absl::StatusOr<std::int64_t>;
using Repeatable =
    Method<"double", std::int64_t(std::int64_t), Idempotent::kYes>;

// Up to five attempts, close to each other.
RetryPolicy Often() {
  return {.max_attempts = 5, .initial_backoff = absl::Milliseconds(1)};
}

// A server whose first runs end as it is told, and all others well; it keeps
// what it was asked.
class Failing {
 public:
  Failing(const MemoryWorld& world, std::vector<absl::Status> failures)
      : failures_(std::move(failures)),
        server_(world.Serve(
            Handler([this](std::int64_t n) { return Run(n); }),
            {.server = {
                 .workers = 2,
                 .on_served = [this](const Request& request, const Reply&) {
                   Keep(request);
                 }}})) {}

  std::vector<std::string> message_ids() {
    const std::lock_guard lock(mutex_);
    return message_ids_;
  }
  std::vector<int> attempts() {
    const std::lock_guard lock(mutex_);
    return attempts_;
  }

 private:
  using Function = std::function<Result(std::int64_t)>;
  using Handler = Handling<Double, Function>;

  Result Run(std::int64_t n) {
    const std::lock_guard lock(mutex_);
    if (runs_ == failures_.size()) return 2 * n;
    return failures_[runs_++];
  }
  void Keep(const Request& request) {
    const std::lock_guard lock(mutex_);
    message_ids_.emplace_back(request.message_id.view());
    attempts_.push_back(request.attempt);
  }

  std::mutex mutex_;
  const std::vector<absl::Status> failures_;
  std::size_t runs_ = 0;
  std::vector<std::string> message_ids_;
  std::vector<int> attempts_;
  // Last: its handler uses the others.
  const std::unique_ptr<Serving<MemoryEndpoint<Handler>>> server_;
};

class RetryTest : public ::testing::Test {
 protected:
  MemoryWorld world_;
  const absl::Status unavailable_ = absl::UnavailableError("away");
};

TEST_F(RetryTest, WhatCannotHaveRunIsMadeAgain) {
  RetryPolicy policy = Often();
  policy.max_attempts = 1'000'000;
  policy.tokens = 1'000'000;
  auto client = world_.Connect<Double>({.retry = policy});
  auto future = client.CallFuture(3);
  // No server has made the queue yet.
  while (client.call_counters().retried < 3) std::this_thread::yield();
  EXPECT_FALSE(future.ready());
  Failing server(world_, {});
  EXPECT_EQ(std::move(future).Get().value(), 6);
}

TEST_F(RetryTest, EachFormOfACallIsMadeAgain) {
  auto client = world_.Connect<Repeatable>({.retry = Often()});
  {
    Failing server(world_, {unavailable_});
    EXPECT_EQ(client.CallFuture(1).Get().value(), 2);
  }
  {
    Failing server(world_, {unavailable_});
    Outcomes outcomes;
    client.CallAsync(2, outcomes.Of(2));
    ASSERT_TRUE(outcomes.WaitFor(1));
    EXPECT_EQ(outcomes.Only(2).value(), 4);
  }
  {
    Failing server(world_, {unavailable_, unavailable_});
    const std::vector<std::int64_t> arguments = {3, 4};
    const std::vector<Result> results = client.CallBatch(arguments);
    EXPECT_EQ(results[0].value(), 6);
    EXPECT_EQ(results[1].value(), 8);
  }
  EXPECT_EQ(client.call_counters().retried, 4u);
}

TEST_F(RetryTest, NothingIsMadeAgainByDefault) {
  Failing server(world_, {unavailable_});
  auto client = world_.Connect<Repeatable>();
  EXPECT_TRUE(absl::IsUnavailable(client.Call(1).status()));
}

TEST_F(RetryTest, WhatMayHaveRunIsMadeAgainOnlyIfTheMethodIsIdempotent) {
  Failing server(world_, {unavailable_, unavailable_});
  auto once = world_.Connect<Double>({.retry = Often()});
  EXPECT_TRUE(absl::IsUnavailable(once.Call(1).status()));
  EXPECT_EQ(once.call_counters().retried, 0u);
  auto often = world_.Connect<Repeatable>({.retry = Often()});
  EXPECT_EQ(often.Call(2).value(), 4);
  EXPECT_EQ(often.call_counters().retried, 1u);
}

TEST_F(RetryTest, AllAttemptsHaveOneMessageIdAndNumbers) {
  Failing server(world_, {unavailable_, unavailable_});
  auto client = world_.Connect<Repeatable>({.retry = Often()});
  EXPECT_TRUE(client.Call(1).ok());
  EXPECT_TRUE(client.Call(1).ok());
  EXPECT_THAT(server.attempts(), ElementsAre(1, 2, 3, 1));
  const std::vector<std::string> ids = server.message_ids();
  ASSERT_EQ(ids.size(), 4u);
  EXPECT_EQ(ids[0].size(), 32u);
  EXPECT_EQ(ids[0], ids[1]);
  EXPECT_EQ(ids[0], ids[2]);
  EXPECT_NE(ids[0], ids[3]);
}

TEST_F(RetryTest, TheStatusNamesTheLastAttempt) {
  Failing server(world_, std::vector<absl::Status>(5, unavailable_));
  auto client = world_.Connect<Repeatable>({.retry = Often()});
  const absl::Status status = client.Call(1).status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("attempt 5, "));
}

TEST_F(RetryTest, NoAttemptIsMadeAfterTheDeadline) {
  Failing server(world_, {WithRetryAfter(unavailable_, absl::Hours(1))});
  auto client = world_.Connect<Repeatable>({.retry = Often()});
  const TimePoint begin = Clock::now();
  const absl::Status status =
      client.Call(1, {.timeout = absl::Minutes(1)}).status();
  // Nor is it waited for.
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(30));
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(client.call_counters().retried, 0u);
}

TEST_F(RetryTest, AttemptsTakeTokens) {
  Failing server(world_, std::vector<absl::Status>(9, unavailable_));
  RetryPolicy policy = Often();
  policy.tokens = 3;
  policy.tokens_per_call = 0;
  auto client = world_.Connect<Repeatable>({.retry = policy});
  EXPECT_FALSE(client.Call(1).ok());
  EXPECT_EQ(client.call_counters().retried, 3u);
  EXPECT_FALSE(client.Call(1).ok());
  EXPECT_EQ(client.call_counters().retried, 3u);
}

// Pauses for an hour after its first attempt.
class PausingCall : public RetryTest {
 protected:
  PausingCall() {
    client_->CallAsync(
        1, {.timeout = absl::Hours(2), .cancellation = cancel_.get_token()},
        outcomes_.Of(1));
    while (client_->call_counters().retried == 0) std::this_thread::yield();
  }

  Failing server_{world_, {WithRetryAfter(unavailable_, absl::Hours(1))}};
  std::stop_source cancel_;
  Outcomes outcomes_;
  std::optional<MemoryEndpoint<Repeatable>> client_ =
      world_.Connect<Repeatable>({.retry = Often()});
};

TEST_F(PausingCall, CanBeCancelled) {
  cancel_.request_stop();
  ASSERT_TRUE(outcomes_.WaitFor(1));
  EXPECT_EQ(outcomes_.Code(1), absl::StatusCode::kCancelled);
  EXPECT_TRUE(MayHaveRun(outcomes_.Only(1).status()));
}

TEST_F(PausingCall, EndsWithTheEndpoint) {
  client_.reset();
  ASSERT_TRUE(outcomes_.WaitFor(1));
  EXPECT_EQ(outcomes_.Code(1), absl::StatusCode::kCancelled);
}

TEST_F(RetryTest, AnAttemptThatTakesTooLongIsFollowedByTheNext) {
  Gate leave;
  std::atomic<int> runs = 0;
  auto server = world_.Serve(Handle<Double>([&](std::int64_t n) {
                               if (runs++ == 0) leave.Wait();
                               return 2 * n;
                             }),
                             {.server = {.workers = 2}});
  RetryPolicy policy = Often();
  policy.attempt_timeout = absl::Milliseconds(50);
  auto client = world_.Connect<Repeatable>({.retry = policy});
  EXPECT_EQ(client.Call(1).value(), 2);
  EXPECT_GE(client.call_counters().retried, 1u);
  leave.Open();
  // The late reply is nobody's.
  while (client.call_counters().unknown_replies == 0) {
    std::this_thread::yield();
  }
}

TEST_F(RetryTest, WhatIsRememberedIsNotRunByFurtherAttempts) {
  Gate leave;
  std::atomic<int> runs = 0;
  auto server = world_.Serve(Handle<Double>([&](std::int64_t n) {
                               if (runs++ == 0) leave.Wait();
                               return 2 * n;
                             }),
                             {.server = {.workers = 2, .remember_answers = 1}});
  RetryPolicy policy = Often();
  policy.attempt_timeout = absl::Milliseconds(50);
  policy.max_attempts = 1'000'000;
  policy.tokens = 1'000'000;
  policy.max_backoff = absl::Milliseconds(10);
  auto client = world_.Connect<Repeatable>({.retry = policy});
  auto future = client.CallFuture(1, {.timeout = kPatience});
  while (client.call_counters().retried < 2) std::this_thread::yield();
  EXPECT_FALSE(future.ready());
  leave.Open();
  EXPECT_EQ(std::move(future).Get().value(), 2);
  EXPECT_EQ(runs, 1);
  EXPECT_GE(server->endpoint().server_counters().duplicates, 1u);
}

TEST_F(RetryTest, OverATransportThatCannotBeWokenThereIsNoPause) {
  using Endpoint = RpcEndpoint<archetypes::LeastTransport, ListSerializer,
                               decltype(Doubling())>;
  RetryPolicy policy = Often();
  policy.initial_backoff = policy.max_backoff = absl::Hours(1);
  auto endpoint = Endpoint::Open({.retry = policy}, Doubling());
  ASSERT_TRUE(endpoint.ok()) << endpoint.status();
  const absl::Status status =
      endpoint->Call(1, {.timeout = absl::Hours(100)}).status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(endpoint->call_counters().retried, 4u);
}

TEST_F(RetryTest, APolicyThatMakesNoSenseIsRefused) {
  RetryPolicy policy;
  policy.max_attempts = 0;
  EXPECT_TRUE(absl::IsInvalidArgument(
      MemoryEndpoint<Double>::Open(world_.With({.retry = policy})).status()));
}

TEST_F(RetryTest, OverATransportOfTheSameThreadItIsRefused) {
  using Endpoint =
      RpcEndpoint<DirectTransport, ListSerializer, decltype(Doubling())>;
  EXPECT_TRUE(absl::IsInvalidArgument(
      Endpoint::Open({.retry = Often()}, Doubling()).status()));
}

}  // namespace
}  // namespace rpc::testing
