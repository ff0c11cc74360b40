#include "rpc/core/retries.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/base/status.h"
#include "rpc/core/retry_policy.h"

namespace rpc::core {
namespace {

const absl::Status kUnavailable = absl::UnavailableError("away");

TEST(RetryPolicy, SaysWhatMakesNoSense) {
  const auto code = [](auto change) {
    RetryPolicy policy;
    change(policy);
    return Validate(policy).code();
  };
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_TRUE(Validate(RetryPolicy()).ok());
  EXPECT_EQ(code([](auto& p) { p.max_attempts = 0; }), kInvalid);
  EXPECT_EQ(code([](auto& p) { p.attempt_timeout = absl::ZeroDuration(); }),
            kInvalid);
  EXPECT_EQ(code([](auto& p) { p.initial_backoff = absl::Seconds(-1); }),
            kInvalid);
  EXPECT_EQ(code([](auto& p) { p.initial_backoff = absl::Seconds(3); }),
            kInvalid);
  EXPECT_EQ(code([](auto& p) { p.backoff_multiplier = 0.5; }), kInvalid);
  EXPECT_EQ(code([](auto& p) {
              p.backoff_multiplier = std::numeric_limits<double>::quiet_NaN();
            }),
            kInvalid);
  EXPECT_EQ(code([](auto& p) { p.tokens = -1; }), kInvalid);
  EXPECT_EQ(code([](auto& p) { p.tokens_per_call = -1; }), kInvalid);
}

TEST(RetryPolicy, PausesGrowUpToTheMost) {
  const RetryPolicy policy = {.initial_backoff = absl::Milliseconds(10),
                              .max_backoff = absl::Milliseconds(300),
                              .backoff_multiplier = 5};
  EXPECT_EQ(LongestPause(policy, 2), absl::Milliseconds(10));
  EXPECT_EQ(LongestPause(policy, 3), absl::Milliseconds(50));
  EXPECT_EQ(LongestPause(policy, 4), absl::Milliseconds(250));
  EXPECT_EQ(LongestPause(policy, 5), absl::Milliseconds(300));
  EXPECT_EQ(LongestPause(policy, 1'000'000), absl::Milliseconds(300));
}

TEST(Retries, AreOffByDefault) {
  EXPECT_FALSE(Retries(RetryPolicy()).enabled());
  EXPECT_TRUE(Retries({.max_attempts = 2}).enabled());
}

TEST(Retries, GiveEachCallAMessageIdOfItsOwn) {
  Retries retries({.max_attempts = 2});
  std::set<std::string> ids;
  for (int i = 0; i < 100; ++i) ids.insert(retries.Begin());
  EXPECT_EQ(ids.size(), 100u);
}

TEST(Retries, PauseAtRandomUpToTheLongest) {
  Retries retries(
      {.max_attempts = 2, .initial_backoff = absl::Milliseconds(100)});
  absl::Duration least = absl::InfiniteDuration(), most;
  for (int i = 0; i < 1000; ++i) {
    const auto pause = retries.PauseBefore(2, kUnavailable);
    ASSERT_TRUE(pause.has_value());
    least = std::min(least, *pause);
    most = std::max(most, *pause);
  }
  EXPECT_GE(least, absl::ZeroDuration());
  EXPECT_LT(least, absl::Milliseconds(10));
  EXPECT_LE(most, absl::Milliseconds(100));
  EXPECT_GT(most, absl::Milliseconds(90));
}

TEST(Retries, WaitAsLongAsTheServerAsks) {
  Retries retries({.max_attempts = 2});
  EXPECT_EQ(
      retries.PauseBefore(2, WithRetryAfter(kUnavailable, absl::Seconds(7))),
      absl::Seconds(7));
}

TEST(Retries, EndWithTheLastAttempt) {
  Retries retries({.max_attempts = 3});
  EXPECT_TRUE(retries.PauseBefore(3, kUnavailable).has_value());
  EXPECT_FALSE(retries.PauseBefore(4, kUnavailable).has_value());
}

TEST(Retries, FollowTheCodesOfThePolicyOnly) {
  Retries retries({.max_attempts = 2, .codes = {absl::StatusCode::kAborted}});
  EXPECT_TRUE(retries.PauseBefore(2, absl::AbortedError("")).has_value());
  EXPECT_FALSE(retries.PauseBefore(2, kUnavailable).has_value());
}

TEST(Retries, FollowAnAttemptThatTookTooLongOnlyIfAttemptsHaveALimit) {
  const absl::Status late = absl::DeadlineExceededError("");
  EXPECT_FALSE(Retries({.max_attempts = 2}).PauseBefore(2, late).has_value());
  Retries limited({.max_attempts = 2, .attempt_timeout = absl::Seconds(1)});
  EXPECT_TRUE(limited.PauseBefore(2, late).has_value());
}

TEST(Retries, TakeTokensThatCallsBringBack) {
  Retries retries({.max_attempts = 2, .tokens = 2, .tokens_per_call = 0.5});
  EXPECT_TRUE(retries.TakeToken());
  EXPECT_TRUE(retries.TakeToken());
  EXPECT_FALSE(retries.TakeToken());
  retries.Begin();
  EXPECT_FALSE(retries.TakeToken());
  retries.Begin();
  EXPECT_TRUE(retries.TakeToken());
  EXPECT_EQ(retries.taken(), 3u);
  // Never more than in the beginning.
  for (int i = 0; i < 100; ++i) retries.Begin();
  EXPECT_TRUE(retries.TakeToken());
  EXPECT_TRUE(retries.TakeToken());
  EXPECT_FALSE(retries.TakeToken());
}

}  // namespace
}  // namespace rpc::core
