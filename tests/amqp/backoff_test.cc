#include "rpc/amqp/backoff.h"

#include <gtest/gtest.h>

#include "absl/time/time.h"
#include "rpc/base/deadline.h"

namespace rpc::amqp {
namespace {

constexpr absl::Duration kLeast = absl::Milliseconds(50);
constexpr absl::Duration kMost = absl::Milliseconds(250);
constexpr TimePoint kNow = TimePoint(std::chrono::hours(1));

absl::Duration Pause(Backoff& backoff, absl::Duration lasted) {
  return absl::FromChrono(backoff.Failed(lasted, kNow) - kNow);
}

TEST(Backoff, PausesGrowWithJitterUpToTheMost) {
  for (int client = 0; client < 100; ++client) {
    Backoff backoff(1, kLeast, kMost);
    absl::Duration full = kLeast;
    for (int round = 0; round < 100; ++round) {
      const absl::Duration pause = Pause(backoff, absl::ZeroDuration());
      EXPECT_GE(pause, full / 2) << round;
      EXPECT_LE(pause, full) << round;
      full = std::min(full * 2, kMost);
    }
  }
}

TEST(Backoff, JitterDiffersBetweenClients) {
  Backoff one(1, kLeast, kMost), other(1, kLeast, kMost);
  EXPECT_NE(Pause(one, absl::ZeroDuration()),
            Pause(other, absl::ZeroDuration()));
}

TEST(Backoff, EachAddressIsTriedBeforeAPause) {
  Backoff backoff(3, kLeast, kMost);
  EXPECT_EQ(backoff.address(), 0u);
  EXPECT_EQ(Pause(backoff, absl::ZeroDuration()), absl::ZeroDuration());
  EXPECT_EQ(backoff.address(), 1u);
  EXPECT_EQ(Pause(backoff, absl::ZeroDuration()), absl::ZeroDuration());
  EXPECT_EQ(backoff.address(), 2u);
  EXPECT_GT(Pause(backoff, absl::ZeroDuration()), absl::ZeroDuration());
  EXPECT_EQ(backoff.address(), 0u);
}

TEST(Backoff, ConnectionThatLastedBeginsAnew) {
  Backoff backoff(1, kLeast, kMost);
  for (int i = 0; i < 10; ++i) Pause(backoff, absl::ZeroDuration());
  EXPECT_GT(Pause(backoff, absl::Milliseconds(999)), kLeast);
  EXPECT_LE(Pause(backoff, absl::Seconds(1)), kLeast);
}

}  // namespace
}  // namespace rpc::amqp
