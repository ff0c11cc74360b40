#include "rpc/base/outcome.h"

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"

namespace rpc {
namespace {

constexpr Outcome<int> Half(int n) {
  if (n % 2 != 0) {
    return Refusal(absl::StatusCode::kInvalidArgument, "odd: ")
        .Append(static_cast<std::uint64_t>(n));
  }
  return n / 2;
}

constexpr Outcome<int> kHalf = Half(8);
static_assert(kHalf.ok() && *kHalf == 4);
constexpr Outcome<int> kRefused = Half(7);
static_assert(!kRefused.ok());
static_assert(kRefused.refusal().code() == absl::StatusCode::kInvalidArgument);
static_assert(kRefused.refusal().message() == "odd: 7");

static_assert(kIsOutcomeOf<Outcome<int>, int>);
static_assert(kIsOutcomeOf<absl::StatusOr<int>, int>);
static_assert(!kIsOutcomeOf<Outcome<long>, int>);
static_assert(!kIsOutcomeOf<int, int>);

TEST(Outcome, BecomesAStatus) {
  EXPECT_EQ(Half(8).status(), absl::OkStatus());
  EXPECT_EQ(Half(7).status(), absl::InvalidArgumentError("odd: 7"));
}

TEST(Outcome, CarriesMoveOnlyValues) {
  Outcome<std::unique_ptr<int>> outcome(std::make_unique<int>(7));
  ASSERT_TRUE(outcome.ok());
  const std::unique_ptr<int> value = *std::move(outcome);
  EXPECT_EQ(*value, 7);
}

TEST(Outcome, ValueCanBeChangedInPlace) {
  Outcome<std::string> outcome(std::string("a"));
  *outcome += "b";
  EXPECT_EQ(*outcome, "ab");
}

TEST(Refusal, WritesNumbers) {
  Refusal refusal(absl::StatusCode::kOutOfRange);
  refusal.Append(std::uint64_t{0})
      .Append(" ")
      .Append(std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(refusal.message(), "0 18446744073709551615");
  EXPECT_EQ(refusal.ToStatus(),
            absl::OutOfRangeError("0 18446744073709551615"));
}

TEST(Refusal, CutsALongMessageOff) {
  const Refusal refusal(absl::StatusCode::kInternal, std::string(1000, 'x'));
  EXPECT_EQ(refusal.message(), std::string(160, 'x'));
}

}  // namespace
}  // namespace rpc
