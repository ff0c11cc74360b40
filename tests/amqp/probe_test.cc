#include "rpc/amqp/probe.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>

#include "absl/time/time.h"
#include "rpc/base/deadline.h"

namespace rpc::amqp {
namespace {

using std::chrono::milliseconds;

// With intervals of 4 s; looks are due each second then.
class Probes : public ::testing::Test {
 protected:
  Probes() { probe_.Start(absl::Seconds(4), now_); }

  // Of `end` bytes the peer has taken `taken`.
  void Ask(std::uint64_t end, std::uint64_t taken) {
    now_ = probe_.NextWake();
    ASSERT_TRUE(probe_.Due(now_));
    probe_.Asked(1, end, taken, now_);
    EXPECT_FALSE(probe_.Due(now_));
  }
  bool Look(std::uint64_t taken, bool blocked = false) {
    now_ = probe_.NextWake();
    return probe_.PeerIsDeaf(taken, blocked, now_);
  }

  TimePoint now_ = TimePoint(std::chrono::hours(1));
  const TimePoint begin_ = now_;
  Probe probe_;
};

TEST_F(Probes, AskEachHalfIntervalFromTheStartOn) {
  for (int i = 1; i < 5; ++i) {
    EXPECT_EQ(probe_.NextWake(), begin_ + i * milliseconds(2000));
    Ask(12, 0);
    EXPECT_TRUE(probe_.Answered(1));
  }
}

TEST_F(Probes, SilentUntilStarted) {
  Probe probe;
  EXPECT_EQ(probe.NextWake(), kNever);
  EXPECT_FALSE(probe.Due(now_ + std::chrono::hours(1)));
  EXPECT_FALSE(probe.PeerIsDeaf(0, false, now_ + std::chrono::hours(1)));
}

TEST_F(Probes, UnansweredForFiveQuartersAfterItWasTakenIsDeaf) {
  Ask(12, 0);
  const TimePoint asked = now_;
  EXPECT_FALSE(Look(12)) << "has taken it";
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(Look(12));
  EXPECT_TRUE(Look(12));
  EXPECT_EQ(now_ - asked, milliseconds(6000));
}

TEST_F(Probes, HeartbeatsBehindTheQuestionProveNothing) {
  Ask(12, 0);
  EXPECT_FALSE(Look(12));
  for (std::uint64_t i = 1; i < 5; ++i) EXPECT_FALSE(Look(12 + 8 * i));
  EXPECT_TRUE(Look(60));
}

TEST_F(Probes, BytesThatMoveBeforeTheQuestionAreWaitedFor) {
  Ask(1012, 0);
  for (std::uint64_t i = 1; i < 100; ++i) EXPECT_FALSE(Look(10 * i));
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(Look(990)) << "moves no more";
  EXPECT_TRUE(Look(990));
}

TEST_F(Probes, PeerThatSaysMoreThanHeartbeatsIsWaitedFor) {
  Ask(12, 0);
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(Look(12));
    probe_.Heard();
  }
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(Look(12));
  EXPECT_TRUE(Look(12));
}

TEST_F(Probes, BlockingPeerIsWaitedForAndThenHasAllItsTime) {
  Ask(12, 0);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(Look(12, true));
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(Look(12));
  EXPECT_TRUE(Look(12));
}

TEST_F(Probes, OwnerThatSleptDoesNotBlameThePeer) {
  Ask(12, 0);
  EXPECT_FALSE(Look(12));
  now_ += std::chrono::hours(1);
  EXPECT_FALSE(probe_.PeerIsDeaf(12, false, now_));
  EXPECT_TRUE(probe_.Answered(1));
}

TEST_F(Probes, AnswerOfAnotherChannelOrToNothingIsNone) {
  EXPECT_FALSE(probe_.Answered(0));
  EXPECT_FALSE(probe_.Answered(1));
  Ask(12, 0);
  EXPECT_FALSE(probe_.Answered(2));
  EXPECT_TRUE(probe_.Answered(1));
  EXPECT_FALSE(probe_.Answered(1));
}

TEST_F(Probes, PostponedComesHalfAnIntervalLater) {
  now_ = probe_.NextWake();
  probe_.Postpone(now_);
  EXPECT_FALSE(probe_.Due(now_));
  EXPECT_EQ(probe_.NextWake(), now_ + milliseconds(2000));
}

}  // namespace
}  // namespace rpc::amqp
