#include "rpc/base/deadline.h"

#include <chrono>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace rpc {
namespace {

constexpr TimePoint kNow = TimePoint(std::chrono::hours(1));

TEST(Deadline, NeverExpiresByDefault) {
  constexpr Deadline kDefault;
  EXPECT_TRUE(kDefault.is_never());
  EXPECT_FALSE(kDefault.Expired(kNow));
  EXPECT_EQ(kDefault.Left(kNow), absl::InfiniteDuration());
}

TEST(Deadline, ExpiresAtItsMoment) {
  const Deadline deadline = Deadline::After(absl::Milliseconds(5), kNow);
  EXPECT_EQ(deadline.at(), kNow + std::chrono::milliseconds(5));
  EXPECT_FALSE(deadline.Expired(deadline.at() - Clock::duration(1)));
  EXPECT_TRUE(deadline.Expired(deadline.at()));
}

TEST(Deadline, TellsWhatIsLeft) {
  const Deadline deadline = Deadline::After(absl::Seconds(2), kNow);
  EXPECT_EQ(deadline.Left(kNow), absl::Seconds(2));
  EXPECT_EQ(deadline.Left(kNow + std::chrono::seconds(1)), absl::Seconds(1));
  EXPECT_EQ(deadline.Left(kNow + std::chrono::seconds(9)),
            absl::ZeroDuration());
}

TEST(Deadline, OfABudgetThatIsSpentHasExpired) {
  for (const absl::Duration budget :
       {absl::ZeroDuration(), absl::Seconds(-1), -absl::InfiniteDuration()}) {
    EXPECT_TRUE(Deadline::After(budget, kNow).Expired(kNow)) << budget;
  }
}

TEST(Deadline, OfAVastBudgetIsNever) {
  for (const absl::Duration budget :
       {absl::InfiniteDuration(), absl::Hours(24 * 365 * 200),
        absl::Hours(1'000'000'000'000)}) {
    EXPECT_TRUE(Deadline::After(budget, kNow).is_never()) << budget;
  }
  EXPECT_FALSE(Deadline::After(absl::Hours(24 * 365), kNow).is_never());
}

TEST(Deadline, IsNotAfterNever) {
  EXPECT_EQ(Deadline(TimePoint::max()).at(), kNever);
  EXPECT_EQ(Deadline(TimePoint::max()), Deadline());
}

TEST(Deadline, ComparesByMoment) {
  const Deadline sooner = Deadline::After(absl::Seconds(1), kNow);
  const Deadline later = Deadline::After(absl::Seconds(2), kNow);
  EXPECT_LT(sooner, later);
  EXPECT_LT(later, Deadline());
  EXPECT_EQ(sooner, Deadline::After(absl::Seconds(1), kNow));
}

}  // namespace
}  // namespace rpc
