#include "rpc/amqp/unconfirmed.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <set>
#include <vector>

namespace rpc::amqp {
namespace {

using Numbers = std::vector<std::uint64_t>;

class UnconfirmedPublishes : public ::testing::Test {
 protected:
  bool Settled(std::uint64_t tag, AckMode mode) {
    return unconfirmed_
        .Settled(tag, mode,
                 [&](std::uint64_t number) { settled_.push_back(number); })
        .ok();
  }

  Unconfirmed unconfirmed_;
  Numbers settled_;
};

TEST_F(UnconfirmedPublishes, AreNumberedFromOne) {
  EXPECT_EQ(unconfirmed_.Add(), 1u);
  EXPECT_EQ(unconfirmed_.Add(), 2u);
  EXPECT_TRUE(Settled(1, AckMode::kSingle));
  EXPECT_EQ(unconfirmed_.Add(), 3u);
}

TEST_F(UnconfirmedPublishes, MultipleSettlesAllThatStillWait) {
  for (int i = 0; i < 5; ++i) unconfirmed_.Add();
  EXPECT_TRUE(Settled(2, AckMode::kSingle));
  EXPECT_TRUE(Settled(4, AckMode::kMultiple));
  EXPECT_EQ(settled_, (Numbers{2, 1, 3, 4}));
}

TEST_F(UnconfirmedPublishes, UnknownTagsAreRefused) {
  EXPECT_FALSE(Settled(0, AckMode::kMultiple));
  EXPECT_FALSE(Settled(1, AckMode::kSingle));
  unconfirmed_.Add();
  EXPECT_FALSE(Settled(2, AckMode::kMultiple));
  EXPECT_FALSE(Settled(~std::uint64_t{0}, AckMode::kMultiple));
  EXPECT_EQ(settled_, Numbers{});
}

TEST_F(UnconfirmedPublishes, NoneIsSettledTwice) {
  unconfirmed_.Add();
  unconfirmed_.Add();
  EXPECT_TRUE(Settled(2, AckMode::kSingle));
  EXPECT_FALSE(Settled(2, AckMode::kSingle));
  EXPECT_TRUE(Settled(1, AckMode::kSingle));
  EXPECT_FALSE(Settled(1, AckMode::kMultiple));
}

TEST_F(UnconfirmedPublishes, SettlingMayPublish) {
  unconfirmed_.Add();
  EXPECT_TRUE(
      unconfirmed_
          .Settled(1, AckMode::kSingle,
                   [&](std::uint64_t) { EXPECT_EQ(unconfirmed_.Add(), 2u); })
          .ok());
  EXPECT_TRUE(Settled(2, AckMode::kSingle));
}

TEST_F(UnconfirmedPublishes, AgreeWithASetUnderRandomConfirms) {
  std::mt19937 random(7);
  std::set<std::uint64_t> waiting;
  for (int i = 0; i < 20000; ++i) {
    if (random() % 2 == 0) waiting.insert(unconfirmed_.Add());
    const std::uint64_t tag = random() % 12000;
    const bool multiple = random() % 4 == 0;
    const bool known = waiting.count(tag) > 0;
    Numbers expected;
    for (const std::uint64_t number : waiting) {
      if (number == tag || (multiple && number < tag)) {
        expected.push_back(number);
      }
    }
    settled_.clear();
    EXPECT_EQ(Settled(tag, multiple ? AckMode::kMultiple : AckMode::kSingle),
              known);
    EXPECT_EQ(settled_, known ? expected : Numbers{});
    for (const std::uint64_t number : settled_) waiting.erase(number);
  }
}

}  // namespace
}  // namespace rpc::amqp
