#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rpc/endpoint.h"
#include "tests/core/handling.h"
#include "tests/endpoint/held_server.h"
#include "tests/endpoint/memory_world.h"
#include "tests/endpoint/outcomes.h"

namespace rpc::testing {
namespace {

using ::testing::HasSubstr;
using Result = absl::StatusOr<std::int64_t>;

// A client that may have one call in flight, and has it.
class WhenFullTest : public ::testing::Test {
 protected:
  WhenFullTest() {
    client_.CallAsync(1, outcomes_.Of(1));
    EXPECT_TRUE(server_.WaitForCall());
  }

  MemoryWorld world_;
  Outcomes outcomes_;
  HeldServer server_{world_};
  MemoryEndpoint<Double> client_ = world_.Connect<Double>({.max_in_flight = 1});
};

TEST_F(WhenFullTest, ACallFailsAtOnceByDefault) {
  const Result result = client_.Call(2);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(MayHaveRun(result.status()));
  EXPECT_TRUE(RetryAfter(result.status()).has_value());
}

TEST_F(WhenFullTest, ACallThatWaitsIsMadeWhenThereIsRoom) {
  std::jthread caller([&] {
    outcomes_.Of(2)(client_.Call(2, {.when_full = WhenFull::kWait}));
  });
  // It tries again and again meanwhile.
  while (client_.call_counters().refused < 3) std::this_thread::yield();
  EXPECT_EQ(outcomes_.count(), 0u);
  server_.LetGo();
  ASSERT_TRUE(outcomes_.WaitFor(2));
  EXPECT_EQ(outcomes_.Only(2).value(), 2);
}

TEST_F(WhenFullTest, ACallWaitsNoLongerThanItsDeadline) {
  const TimePoint begin = Clock::now();
  const Result result = client_.Call(
      2, {.timeout = absl::Milliseconds(50), .when_full = WhenFull::kWait});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_FALSE(MayHaveRun(result.status()));
  EXPECT_THAT(std::string(result.status().message()),
              HasSubstr("there was no room until the deadline"));
  EXPECT_GE(Clock::now() - begin, std::chrono::milliseconds(50));
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(5));
}

TEST_F(WhenFullTest, ACallThatWaitsCanBeCancelled) {
  std::stop_source cancel;
  std::jthread caller([&] {
    outcomes_.Of(2)(client_.Call(
        2, {.cancellation = cancel.get_token(), .when_full = WhenFull::kWait}));
  });
  while (client_.call_counters().refused < 2) std::this_thread::yield();
  cancel.request_stop();
  ASSERT_TRUE(outcomes_.WaitFor(1));
  EXPECT_EQ(outcomes_.Code(2), absl::StatusCode::kCancelled);
  EXPECT_FALSE(MayHaveRun(outcomes_.Only(2).status()));
}

TEST_F(WhenFullTest, ABatchLargerThanTheRoomIsMadeBitByBit) {
  server_.LetGo();
  std::vector<std::int64_t> arguments(200, 7);
  for (const Result& result :
       client_.CallBatch(arguments, {.when_full = WhenFull::kWait})) {
    EXPECT_EQ(result.value(), 7);
  }
}

}  // namespace
}  // namespace rpc::testing
