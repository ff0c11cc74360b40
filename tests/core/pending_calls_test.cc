#include "rpc/core/pending_calls.h"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/message/correlation_id.h"
#include "rpc/message/envelope.h"
#include "tests/core/recording_call.h"

namespace rpc::core {
namespace {

using ::testing::HasSubstr;

constexpr TimePoint kStart = TimePoint(std::chrono::hours(1));
constexpr Deadline kSoon = Deadline(kStart + std::chrono::seconds(1));
constexpr TimePoint kAfterSoon = kSoon.at() + std::chrono::milliseconds(10);

class PendingCallsTest : public ::testing::Test {
 protected:
  CorrelationId Add(PendingCall& call, Deadline deadline = Deadline()) {
    return *pending_.Add(&call, deadline);
  }

  PendingCalls pending_{1000};
  RecordingCall call_;
};

TEST_F(PendingCallsTest, AReplyEndsItsCall) {
  const CorrelationId id = Add(call_, kSoon);
  EXPECT_EQ(pending_.in_flight(), 1u);
  pending_.OnReply(ReplyTo(id, "value"));
  EXPECT_EQ(call_.times(), 1);
  EXPECT_TRUE(call_.status().ok());
  EXPECT_EQ(call_.reply().body, "value");
  EXPECT_EQ(pending_.in_flight(), 0u);
}

TEST_F(PendingCallsTest, AReplyEndsNoOtherCall) {
  RecordingCall other;
  Add(other);
  pending_.OnReply(ReplyTo(Add(call_)));
  EXPECT_EQ(call_.times(), 1);
  EXPECT_EQ(other.times(), 0);
  EXPECT_EQ(pending_.in_flight(), 1u);
}

TEST_F(PendingCallsTest, ADoubledReplyIsCountedAndDropped) {
  const CorrelationId id = Add(call_);
  pending_.OnReply(ReplyTo(id, "first"));
  pending_.OnReply(ReplyTo(id, "second"));
  EXPECT_EQ(call_.times(), 1);
  EXPECT_EQ(call_.reply().body, "first");
  EXPECT_EQ(pending_.counters().unknown_replies, 1u);
}

TEST_F(PendingCallsTest, ALateReplyIsCountedAndDropped) {
  const CorrelationId id = Add(call_, kSoon);
  pending_.OnTime(kAfterSoon);
  ASSERT_EQ(call_.times(), 1);
  pending_.OnReply(ReplyTo(id));
  EXPECT_EQ(call_.times(), 1);
  EXPECT_EQ(pending_.counters().unknown_replies, 1u);
}

TEST_F(PendingCallsTest, ALateReplyDoesNotEndTheCallThatHasTheSlotNow) {
  const CorrelationId old = Add(call_, kSoon);
  pending_.OnTime(kAfterSoon);
  RecordingCall next;
  const CorrelationId id = Add(next);
  ASSERT_EQ(id.slot, old.slot);
  ASSERT_NE(id.nonce, old.nonce);
  EXPECT_FALSE(pending_.Claim(TextOf(old)));
  EXPECT_FALSE(pending_.Remove(old));
  pending_.Cancel(old);
  pending_.OnReply(ReplyTo(old));
  EXPECT_EQ(next.times(), 0);
  EXPECT_EQ(pending_.counters().unknown_replies, 1u);
}

TEST_F(PendingCallsTest, AForgedReplyIsCountedAndDropped) {
  CorrelationId id = Add(call_);
  const std::string right = TextOf(id);
  std::vector<std::string> forged = {
      "",
      "x",
      right.substr(1),
      right + "0",
      " " + right.substr(1),
      std::string(24, '\0'),
      std::string(255, 'a'),
      TextOf({id.slot, id.nonce ^ 1}),
      TextOf({id.slot + 1, id.nonce}),
      TextOf({~std::uint32_t{0}, id.nonce}),
      TextOf({id.slot, 0}),
  };
  for (const std::string& text : forged) {
    Reply reply;
    reply.correlation_id = std::string_view(text);
    pending_.OnReply(std::move(reply));
    EXPECT_FALSE(pending_.Claim(text));
  }
  EXPECT_EQ(call_.times(), 0);
  EXPECT_EQ(pending_.counters().unknown_replies, forged.size());
  pending_.OnReply(ReplyTo(id));
  EXPECT_EQ(call_.times(), 1);
}

TEST_F(PendingCallsTest, ADeadlineEndsItsCallAndNoOther) {
  RecordingCall later;
  Add(call_, kSoon);
  Add(later, Deadline(kAfterSoon + std::chrono::seconds(1)));
  pending_.OnTime(kSoon.at() - Clock::duration(1));
  EXPECT_EQ(call_.times(), 0);
  const TimePoint next = pending_.OnTime(kAfterSoon);
  EXPECT_EQ(call_.times(), 1);
  EXPECT_EQ(call_.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(later.times(), 0);
  EXPECT_EQ(pending_.counters().expired, 1u);
  EXPECT_GT(next, kAfterSoon);
  EXPECT_LE(next, kAfterSoon + std::chrono::milliseconds(1010));
}

TEST_F(PendingCallsTest, CancelEndsItsCallAndNoOther) {
  RecordingCall other;
  Add(other);
  pending_.Cancel(Add(call_));
  EXPECT_EQ(call_.times(), 1);
  EXPECT_EQ(call_.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(other.times(), 0);
}

TEST_F(PendingCallsTest, CancelComesTooLateForACallThatIsOver) {
  const CorrelationId id = Add(call_);
  pending_.OnReply(ReplyTo(id));
  pending_.Cancel(id);
  EXPECT_EQ(call_.times(), 1);
  EXPECT_TRUE(call_.status().ok());
}

TEST_F(PendingCallsTest, RemoveTakesACallBackWithoutEndingIt) {
  const CorrelationId id = Add(call_, kSoon);
  EXPECT_TRUE(pending_.Remove(id));
  EXPECT_FALSE(pending_.Remove(id));
  EXPECT_FALSE(pending_.Claim(TextOf(id)));
  pending_.OnTime(kAfterSoon);
  EXPECT_EQ(call_.times(), 0);
  EXPECT_EQ(pending_.in_flight(), 0u);
}

// What ends a call whose request had left, and one whose request had not.
class Endings : public PendingCallsTest {
 protected:
  void ExpectMayHaveRunOnlyIfClaimed(absl::StatusCode code) {
    EXPECT_EQ(claimed_.status().code(), code);
    EXPECT_EQ(unclaimed_.status().code(), code);
    EXPECT_TRUE(MayHaveRun(claimed_.status()));
    EXPECT_FALSE(MayHaveRun(unclaimed_.status()));
    EXPECT_EQ(claimed_.times(), 1);
    EXPECT_EQ(unclaimed_.times(), 1);
  }

  RecordingCall claimed_;
  RecordingCall unclaimed_;
  const CorrelationId claimed_id_ = Add(claimed_, kSoon);
  const CorrelationId unclaimed_id_ = Add(unclaimed_, kSoon);
  const bool was_claimed_ = pending_.Claim(TextOf(claimed_id_));
};

TEST_F(Endings, ACallThatIsPendingCanBeClaimed) { EXPECT_TRUE(was_claimed_); }

TEST_F(Endings, ADeadlineSaysWhetherTheHandlerMayHaveRun) {
  pending_.OnTime(kAfterSoon);
  ExpectMayHaveRunOnlyIfClaimed(absl::StatusCode::kDeadlineExceeded);
}

TEST_F(Endings, ACancellationSaysWhetherTheHandlerMayHaveRun) {
  pending_.Cancel(claimed_id_);
  pending_.Cancel(unclaimed_id_);
  ExpectMayHaveRunOnlyIfClaimed(absl::StatusCode::kCancelled);
}

TEST_F(Endings, ARefusalSaysWhetherTheHandlerMayHaveRun) {
  pending_.OnRefused(absl::UnauthenticatedError("no"));
  ExpectMayHaveRunOnlyIfClaimed(absl::StatusCode::kUnauthenticated);
}

TEST_F(Endings, ACloseSaysWhetherTheHandlerMayHaveRun) {
  pending_.Close(absl::CancelledError("destroyed"));
  ExpectMayHaveRunOnlyIfClaimed(absl::StatusCode::kCancelled);
}

TEST_F(Endings, ALossEndsOnlyWhatWasClaimed) {
  pending_.OnLost(absl::UnavailableError("the connection broke"));
  EXPECT_EQ(claimed_.times(), 1);
  EXPECT_EQ(claimed_.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(MayHaveRun(claimed_.status()));
  EXPECT_EQ(unclaimed_.times(), 0);
  EXPECT_TRUE(pending_.Claim(TextOf(unclaimed_id_)));
}

TEST_F(Endings, AReusedSlotIsNotClaimed) {
  pending_.OnReply(ReplyTo(claimed_id_));
  RecordingCall next;
  ASSERT_EQ(Add(next).slot, claimed_id_.slot);
  pending_.OnLost(absl::UnavailableError("the connection broke"));
  EXPECT_EQ(next.times(), 0);
}

TEST_F(PendingCallsTest, ACallThatIsOverCannotBeClaimed) {
  const CorrelationId id = Add(call_, kSoon);
  pending_.OnTime(kAfterSoon);
  EXPECT_FALSE(pending_.Claim(TextOf(id)));
}

TEST_F(PendingCallsTest, AfterCloseNothingIsAdded) {
  pending_.Close(absl::CancelledError("the endpoint was destroyed"));
  const auto id = pending_.Add(&call_, kSoon);
  EXPECT_EQ(id.status().code(), absl::StatusCode::kCancelled);
  EXPECT_FALSE(MayHaveRun(id.status()));
  EXPECT_EQ(call_.times(), 0);
}

TEST_F(PendingCallsTest, AfterARefusalCallsCanBeAdded) {
  pending_.OnRefused(absl::UnauthenticatedError("no"));
  EXPECT_TRUE(pending_.Add(&call_, kSoon).ok());
}

TEST(PendingCalls, MoreThanMaxInFlightAreRefused) {
  PendingCalls pending(2);
  RecordingCall calls[3];
  const CorrelationId first = *pending.Add(&calls[0], Deadline());
  ASSERT_TRUE(pending.Add(&calls[1], Deadline()).ok());
  const auto refused = pending.Add(&calls[2], Deadline());
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.status().message()),
              HasSubstr("max_in_flight"));
  EXPECT_FALSE(MayHaveRun(refused.status()));
  pending.OnReply(ReplyTo(first));
  EXPECT_TRUE(pending.Add(&calls[2], Deadline()).ok());
  EXPECT_EQ(pending.counters().started, 3u);
}

// Completed calls call back into the table: that would hang under its lock.
TEST_F(PendingCallsTest, CompletesWithoutItsLock) {
  struct Reentrant final : PendingCall {
    void Complete(Reply&&) override { in_flight = pending->in_flight(); }
    PendingCalls* pending = nullptr;
    std::size_t in_flight = 99;
  };
  Reentrant calls[5];
  for (Reentrant& call : calls) call.pending = &pending_;
  pending_.OnReply(ReplyTo(Add(calls[0])));
  EXPECT_EQ(calls[0].in_flight, 0u);
  pending_.Cancel(Add(calls[1]));
  EXPECT_EQ(calls[1].in_flight, 0u);
  Add(calls[2], kSoon);
  pending_.OnTime(kAfterSoon);
  EXPECT_EQ(calls[2].in_flight, 0u);
  pending_.Claim(TextOf(Add(calls[3])));
  pending_.OnLost(absl::UnavailableError(""));
  EXPECT_EQ(calls[3].in_flight, 0u);
  Add(calls[4]);
  pending_.OnRefused(absl::UnavailableError(""));
  EXPECT_EQ(calls[4].in_flight, 0u);
}

TEST(PendingCalls, HoldsAHundredThousand) {
  constexpr std::size_t kCalls = 100'000;
  PendingCalls pending(kCalls);
  std::deque<RecordingCall> calls(kCalls);
  std::vector<CorrelationId> ids;
  for (std::size_t i = 0; i < kCalls; ++i) {
    const auto spread = std::chrono::milliseconds(i % 10'000);
    ids.push_back(*pending.Add(&calls[i], Deadline(kStart + spread)));
  }
  ASSERT_EQ(pending.in_flight(), kCalls);
  // Each third is answered, each third cancelled, and the rest expire.
  for (std::size_t i = 0; i < kCalls; ++i) {
    if (i % 3 == 0) pending.OnReply(ReplyTo(ids[i]));
    if (i % 3 == 1) pending.Cancel(ids[i]);
  }
  for (int second = 0; second <= 11; ++second) {
    pending.OnTime(kStart + std::chrono::seconds(second));
  }
  EXPECT_EQ(pending.in_flight(), 0u);
  EXPECT_EQ(pending.counters().expired, kCalls / 3);
  constexpr absl::StatusCode kExpected[] = {
      absl::StatusCode::kOk, absl::StatusCode::kCancelled,
      absl::StatusCode::kDeadlineExceeded};
  for (std::size_t i = 0; i < kCalls; ++i) {
    ASSERT_EQ(calls[i].times(), 1) << i;
    ASSERT_EQ(calls[i].status().code(), kExpected[i % 3]) << i;
  }
}

// Slots are used again: however many calls time out, the table is as large as
// the most that were pending at once.
TEST(PendingCalls, NothingIsLeftAfterAMillionTimeouts) {
  constexpr std::uint64_t kRounds = 10'000;
  constexpr std::uint32_t kAtOnce = 100;
  PendingCalls pending(kAtOnce);
  std::deque<RecordingCall> calls(kAtOnce);
  TimePoint now = kStart;
  std::uint32_t largest_slot = 0;
  for (std::uint64_t round = 0; round < kRounds; ++round) {
    for (RecordingCall& call : calls) {
      const CorrelationId id = *pending.Add(&call, Deadline(now));
      largest_slot = std::max(largest_slot, id.slot);
    }
    now += std::chrono::milliseconds(20);
    ASSERT_EQ(pending.OnTime(now), kNever);
    ASSERT_EQ(pending.in_flight(), 0u);
  }
  EXPECT_EQ(largest_slot, kAtOnce - 1);
  EXPECT_EQ(pending.counters().expired, kRounds * kAtOnce);
  EXPECT_EQ(calls[0].times(), static_cast<int>(kRounds));
}

TEST(PendingCalls, GivesIdsThatCannotBeGuessed) {
  PendingCalls pending(1000);
  std::deque<RecordingCall> calls(1000);
  std::vector<std::uint64_t> nonces;
  for (RecordingCall& call : calls) {
    nonces.push_back(pending.Add(&call, Deadline())->nonce);
  }
  // Some bit that is always set or never, or a step that repeats, would show.
  std::uint64_t all = ~std::uint64_t{0};
  std::uint64_t any = 0;
  for (std::size_t i = 0; i < nonces.size(); ++i) {
    all &= nonces[i];
    any |= nonces[i];
    if (i < 2) continue;
    EXPECT_NE(nonces[i] - nonces[i - 1], nonces[i - 1] - nonces[i - 2]);
  }
  EXPECT_EQ(all, 0u);
  EXPECT_EQ(any, ~std::uint64_t{0});
}

TEST(PendingCalls, RepliesThatCameTogetherEndTheirCalls) {
  int flushes = 0;
  PendingCalls pending(1000, {.completed = [&] { ++flushes; }});
  // More than are completed at a time.
  std::vector<RecordingCall> calls(150);
  std::vector<Reply> replies;
  for (RecordingCall& call : calls) {
    replies.push_back(ReplyTo(*pending.Add(&call, Deadline()), "value"));
  }
  replies.insert(replies.begin() + 70, ReplyTo({}, "nobody's"));
  pending.OnReplies(replies);
  for (const RecordingCall& call : calls) EXPECT_EQ(call.times(), 1);
  EXPECT_EQ(flushes, 1);
  EXPECT_EQ(pending.in_flight(), 0u);
  EXPECT_EQ(pending.counters().unknown_replies, 1u);
}

TEST(PendingCalls, SaysAfterEachCompletionThatThereWasOne) {
  int flushes = 0;
  PendingCalls pending(10, {.completed = [&] { ++flushes; }});
  RecordingCall call;
  pending.OnReply(ReplyTo(*pending.Add(&call, Deadline())));
  EXPECT_EQ(flushes, 1);
  pending.Cancel(*pending.Add(&call, Deadline()));
  EXPECT_EQ(flushes, 2);
  pending.Add(&call, kSoon).IgnoreError();
  pending.OnTime(kAfterSoon);
  EXPECT_EQ(flushes, 3);
  pending.OnTime(kAfterSoon);
  EXPECT_EQ(flushes, 3);
}

TEST(PendingCalls, WaitsForRoomUntilACallIsOverOrTheDeadline) {
  PendingCalls pending(1);
  RecordingCall call;
  const CorrelationId id = *pending.Add(&call, Deadline());
  const TimePoint begin = Clock::now();
  pending.WaitForRoom(Deadline::After(absl::Milliseconds(3)));
  EXPECT_GE(Clock::now() - begin, std::chrono::milliseconds(3));
  std::jthread replier([&] { pending.OnReply(ReplyTo(id)); });
  while (pending.in_flight() > 0) pending.WaitForRoom(Deadline());
  EXPECT_TRUE(pending.Add(&call, Deadline()).ok());
}

TEST(PendingCalls, SaysWhenCallsWereEndedByNoEvent) {
  int wakes = 0;
  PendingCalls pending(10, {.ended_from_outside = [&] { ++wakes; }});
  RecordingCall call;
  pending.OnReply(ReplyTo(*pending.Add(&call, Deadline())));
  pending.Add(&call, kSoon).IgnoreError();
  pending.OnTime(kAfterSoon);
  EXPECT_EQ(wakes, 0);
  const CorrelationId id = *pending.Add(&call, Deadline());
  pending.Cancel(id);
  EXPECT_EQ(wakes, 1);
  pending.Cancel(id);
  EXPECT_EQ(wakes, 1);
  pending.Add(&call, Deadline()).IgnoreError();
  pending.Close(absl::CancelledError(""));
  EXPECT_EQ(wakes, 2);
  pending.Close(absl::CancelledError(""));
  EXPECT_EQ(wakes, 2);
}

TEST(PendingCalls, LeaveNothingBehindAfterAMillionTimeouts) {
  constexpr int kRounds = 1000;
  constexpr int kCallsEach = 1000;
  struct Counted final : PendingCall {
    void Complete(Reply&&) override { ++ended; }
    int ended = 0;
  };
  PendingCalls pending(kCallsEach);
  Counted call;
  TimePoint now = kStart;
  const auto let_expire = [&] {
    for (int i = 0; i < kCallsEach; ++i) {
      ASSERT_TRUE(
          pending.Add(&call, Deadline(now + std::chrono::milliseconds(i)))
              .ok());
    }
    now += std::chrono::seconds(2);
    pending.OnTime(now);
  };
  const auto allocated = [] {
    const struct mallinfo2 info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  // What the table grows to, it keeps.
  let_expire();
  const std::size_t before = allocated();
  for (int round = 0; round < kRounds; ++round) let_expire();
  EXPECT_EQ(allocated(), before);
  EXPECT_EQ(call.ended, (kRounds + 1) * kCallsEach);
  EXPECT_EQ(pending.in_flight(), 0u);
  EXPECT_EQ(pending.counters().expired,
            std::uint64_t{kRounds + 1} * kCallsEach);
}

}  // namespace
}  // namespace rpc::core
