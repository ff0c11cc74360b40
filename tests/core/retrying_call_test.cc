#include "rpc/core/retrying_call.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/core/cancellation.h"
#include "rpc/core/pending_calls.h"
#include "rpc/core/retries.h"
#include "rpc/core/retry_policy.h"
#include "rpc/message/envelope.h"
#include "rpc/message/method.h"
#include "tests/core/recording_call.h"

namespace rpc::core {
namespace {

// Takes attempts and pauses, which the test ends.
class HeldAttempts final : public Attempts {
 public:
  absl::Status Send(Request&& request, PendingCall* call,
                    const std::shared_ptr<Cancellation>&,
                    const std::atomic<bool>*) override {
    if (!refusal.ok()) return refusal;
    requests.push_back(std::move(request));
    held = call;
    return absl::OkStatus();
  }
  absl::Status Pause(Deadline until, PendingCall* call,
                     const std::shared_ptr<Cancellation>&) override {
    pauses.push_back(until);
    held = call;
    return absl::OkStatus();
  }
  TimePoint Now() const override { return now; }

  void End(absl::Status status) {
    std::exchange(held, nullptr)->Complete({.status = std::move(status)});
  }
  void EndPause() {
    now = pauses.back().at();
    End(absl::DeadlineExceededError("the deadline passed"));
  }

  TimePoint now = TimePoint(std::chrono::hours(1));
  absl::Status refusal;
  std::vector<Request> requests;
  std::vector<Deadline> pauses;
  PendingCall* held = nullptr;
};

class RetryingCallTest : public ::testing::Test {
 protected:
  absl::Status Start(RetryPolicy policy = {.max_attempts = 3},
                     Idempotent idempotent = Idempotent::kNo,
                     bool waits_for_room = false) {
    retries_.emplace(std::move(policy));
    Request request;
    request.deadline = Deadline(attempts_.now + std::chrono::hours(1));
    return RetryingCall::Start(
        &attempts_, &*retries_,
        {std::move(request), idempotent, {}, waits_for_room, &call_}, nullptr);
  }

  HeldAttempts attempts_;
  std::optional<Retries> retries_;
  RecordingCall call_;
  const absl::Status away_ = absl::UnavailableError("away");
};

TEST_F(RetryingCallTest, ResultEndsIt) {
  ASSERT_TRUE(Start().ok());
  attempts_.End(absl::OkStatus());
  ASSERT_EQ(call_.times(), 1);
  EXPECT_TRUE(call_.status().ok());
  EXPECT_EQ(call_.reply().attempt, 1);
}

TEST_F(RetryingCallTest, PausesAndGoesOn) {
  ASSERT_TRUE(Start().ok());
  attempts_.End(NotRun(away_));
  ASSERT_EQ(attempts_.pauses.size(), 1u);
  EXPECT_EQ(attempts_.requests.size(), 1u);
  attempts_.EndPause();
  ASSERT_EQ(attempts_.requests.size(), 2u);
  EXPECT_EQ(attempts_.requests[1].attempt, 2);
  attempts_.End(absl::OkStatus());
  ASSERT_EQ(call_.times(), 1);
  EXPECT_EQ(call_.reply().attempt, 2);
}

TEST_F(RetryingCallTest, AttemptThatCannotBeginIsOne) {
  attempts_.refusal = NotRun(away_);
  ASSERT_TRUE(Start().ok());
  attempts_.EndPause();
  EXPECT_EQ(attempts_.pauses.size(), 2u);
  attempts_.refusal = absl::OkStatus();
  attempts_.EndPause();
  ASSERT_EQ(attempts_.requests.size(), 1u);
  EXPECT_EQ(attempts_.requests[0].attempt, 3);
  attempts_.End(absl::OkStatus());
  EXPECT_EQ(call_.times(), 1);
}

TEST_F(RetryingCallTest, CallThatIsOverAtOnceIsToldByItsStart) {
  attempts_.refusal = absl::InvalidArgumentError("no");
  EXPECT_TRUE(absl::IsInvalidArgument(Start()));
  EXPECT_EQ(call_.times(), 0);
}

TEST_F(RetryingCallTest, WhoWaitsForRoomIsToldThatThereIsNone) {
  attempts_.refusal = NotRun(WithRetryAfter(
      absl::ResourceExhaustedError("full"), absl::Milliseconds(10)));
  EXPECT_TRUE(absl::IsResourceExhausted(
      Start({.max_attempts = 3}, Idempotent::kNo, true)));
  EXPECT_TRUE(attempts_.pauses.empty());
  EXPECT_TRUE(Start({.max_attempts = 3}, Idempotent::kNo, false).ok());
  attempts_.End(absl::CancelledError(""));
}

TEST_F(RetryingCallTest, WhatMayHaveRunOnceMayHaveRun) {
  ASSERT_TRUE(Start({.max_attempts = 2}, Idempotent::kYes).ok());
  attempts_.End(away_);
  attempts_.EndPause();
  attempts_.End(NotRun(away_));
  ASSERT_EQ(call_.times(), 1);
  EXPECT_TRUE(MayHaveRun(call_.status()));
}

TEST_F(RetryingCallTest, WhatNeverRanDidNotRun) {
  ASSERT_TRUE(Start({.max_attempts = 2}).ok());
  attempts_.End(NotRun(away_));
  attempts_.EndPause();
  attempts_.End(NotRun(away_));
  ASSERT_EQ(call_.times(), 1);
  EXPECT_FALSE(MayHaveRun(call_.status()));
}

TEST_F(RetryingCallTest, CancelledPauseEndsIt) {
  ASSERT_TRUE(Start().ok());
  attempts_.End(NotRun(away_));
  attempts_.End(NotRun(absl::CancelledError("")));
  ASSERT_EQ(call_.times(), 1);
  EXPECT_TRUE(absl::IsCancelled(call_.status()));
  EXPECT_EQ(attempts_.requests.size(), 1u);
}

TEST_F(RetryingCallTest, AttemptHasTheSmallerDeadline) {
  ASSERT_TRUE(
      Start({.max_attempts = 2, .attempt_timeout = absl::Minutes(1)}).ok());
  EXPECT_EQ(attempts_.requests[0].deadline.at(),
            attempts_.now + std::chrono::minutes(1));
  attempts_.End(absl::OkStatus());
  ASSERT_TRUE(
      Start({.max_attempts = 2, .attempt_timeout = absl::Hours(9)}).ok());
  EXPECT_EQ(attempts_.requests[1].deadline.at(),
            attempts_.now + std::chrono::hours(1));
  attempts_.End(absl::OkStatus());
}

}  // namespace
}  // namespace rpc::core
