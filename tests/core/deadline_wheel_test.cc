#include "rpc/core/deadline_wheel.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"

namespace rpc::core {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr Clock::duration kTick = DeadlineWheel::kTick;
// A time that is on no tick, as the clock's mostly are.
constexpr TimePoint kStart =
    TimePoint(std::chrono::hours(50)) + std::chrono::nanoseconds(12345);

// A wheel whose time the test tells.
class Wheel {
 public:
  explicit Wheel(std::size_t size) { wheel_.Resize(size); }

  DeadlineWheel* operator->() { return &wheel_; }

  std::vector<std::uint32_t> Expire(TimePoint now) {
    std::vector<std::uint32_t> expired;
    wheel_.Expire(now, [&](std::uint32_t index) {
      wheel_.Erase(index);
      expired.push_back(index);
    });
    return expired;
  }

 private:
  DeadlineWheel wheel_;
};

TEST(DeadlineWheel, ExpiresNothingBeforeItsDeadline) {
  Wheel wheel(1);
  const TimePoint deadline = kStart + std::chrono::seconds(1);
  wheel->Insert(0, deadline);
  EXPECT_THAT(wheel.Expire(kStart), IsEmpty());
  EXPECT_THAT(wheel.Expire(deadline - Clock::duration(1)), IsEmpty());
}

TEST(DeadlineWheel, ExpiresWithinOneTickOfTheDeadline) {
  Wheel wheel(1);
  wheel.Expire(kStart);
  const TimePoint deadline = kStart + std::chrono::seconds(1);
  wheel->Insert(0, deadline);
  EXPECT_THAT(wheel.Expire(deadline + kTick), ElementsAre(0));
  EXPECT_THAT(wheel.Expire(deadline + 2 * kTick), IsEmpty());
}

TEST(DeadlineWheel, ExpiresAPastDeadlineAtTheNextTick) {
  Wheel wheel(3);
  wheel.Expire(kStart);
  wheel->Insert(0, kStart - std::chrono::hours(1));
  wheel->Insert(1, TimePoint());
  wheel->Insert(2, TimePoint(Clock::duration::min()));
  EXPECT_LE(wheel->NextExpiry(), kStart + kTick);
  EXPECT_THAT(wheel.Expire(kStart + kTick), UnorderedElementsAre(0, 1, 2));
}

TEST(DeadlineWheel, NeverExpiresWhatHasNoDeadline) {
  Wheel wheel(2);
  wheel->Insert(0, kNever);
  EXPECT_EQ(wheel->NextExpiry(), kNever);
  EXPECT_THAT(wheel.Expire(kNever), IsEmpty());
  // Is in no bucket, and to be erased all the same.
  wheel->Erase(0);
  wheel->Insert(1, kStart);
  wheel->Erase(1);
  EXPECT_EQ(wheel->NextExpiry(), kNever);
}

TEST(DeadlineWheel, ForgetsWhatWasErased) {
  Wheel wheel(4);
  const TimePoint deadline = kStart + std::chrono::seconds(1);
  for (std::uint32_t i = 0; i < 4; ++i) wheel->Insert(i, deadline);
  // The head, the middle and the end of one bucket's list.
  wheel->Erase(3);
  wheel->Erase(1);
  EXPECT_THAT(wheel.Expire(deadline + kTick), UnorderedElementsAre(0, 2));
  EXPECT_EQ(wheel->NextExpiry(), kNever);
}

TEST(DeadlineWheel, KeepsWhatIsFarAheadThroughEachRevolution) {
  Wheel wheel(2);
  wheel.Expire(kStart);
  const TimePoint far = kStart + std::chrono::hours(1);
  wheel->Insert(0, far);
  // The same bucket as `far`, some revolutions earlier.
  wheel->Insert(1, far - 3 * 1024 * kTick);
  TimePoint now = kStart;
  std::vector<std::uint32_t> expired;
  while (expired.empty()) {
    now += std::chrono::milliseconds(100);
    expired = wheel.Expire(now);
  }
  EXPECT_THAT(expired, ElementsAre(1));
  EXPECT_THAT(wheel.Expire(far - Clock::duration(1)), IsEmpty());
  EXPECT_THAT(wheel.Expire(far + kTick), ElementsAre(0));
}

TEST(DeadlineWheel, ExpiresAllThatIsDueAfterALongSleep) {
  Wheel wheel(3000);
  wheel.Expire(kStart);
  for (std::uint32_t i = 0; i < 3000; ++i) {
    wheel->Insert(i, kStart + i * kTick);
  }
  EXPECT_EQ(wheel.Expire(kStart + std::chrono::hours(24)).size(), 3000u);
  EXPECT_EQ(wheel->NextExpiry(), kNever);
}

TEST(DeadlineWheel, StandsATimeThatGoesBack) {
  Wheel wheel(1);
  wheel.Expire(kStart);
  EXPECT_THAT(wheel.Expire(kStart - std::chrono::hours(1)), IsEmpty());
  wheel->Insert(0, kStart + kTick);
  EXPECT_THAT(wheel.Expire(kStart + 3 * kTick), ElementsAre(0));
}

TEST(DeadlineWheel, IsDueWhenItSaysSo) {
  for (int offset = 0; offset < 1100; ++offset) {
    Wheel wheel(1);
    wheel.Expire(kStart);
    const TimePoint deadline =
        kStart + offset * kTick + std::chrono::microseconds(7);
    wheel->Insert(0, deadline);
    std::vector<std::uint32_t> expired;
    TimePoint now = kStart;
    // Once for each revolution, and once for the deadline.
    for (int wake_ups = 0; expired.empty(); ++wake_ups) {
      ASSERT_LE(wake_ups, 2) << offset;
      now = wheel->NextExpiry();
      expired = wheel.Expire(now);
    }
    ASSERT_GE(now, deadline);
    ASSERT_LE(now, deadline + kTick);
  }
}

// Any order of inserting, erasing and waking, beside a plain sorted map.
TEST(DeadlineWheel, AgreesWithASortedMap) {
  std::mt19937_64 random(7);
  constexpr std::uint32_t kSize = 500;
  Wheel wheel(kSize);
  std::map<std::uint32_t, TimePoint> model;
  TimePoint now = kStart;
  wheel.Expire(now);
  for (int step = 0; step < 200'000; ++step) {
    const auto index = static_cast<std::uint32_t>(random() % kSize);
    if (model.count(index) != 0) {
      wheel->Erase(index);
      model.erase(index);
    } else {
      const std::uint64_t span = std::uint64_t{1} << (random() % 36);
      model[index] = now + Clock::duration(random() % span);
      wheel->Insert(index, model[index]);
    }
    if (random() % 8 != 0) continue;
    now += Clock::duration(random() % (std::uint64_t{1} << (random() % 33)));
    for (const std::uint32_t expired : wheel.Expire(now)) {
      ASSERT_EQ(model.count(expired), 1u);
      ASSERT_LE(model[expired], now);
      model.erase(expired);
    }
    const TimePoint next = wheel->NextExpiry();
    for (const auto& [left, deadline] : model) {
      ASSERT_GT(deadline + kTick, now) << "late";
      ASSERT_LE(next, deadline + kTick) << "wakes too late";
    }
  }
}

}  // namespace
}  // namespace rpc::core
