#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <latch>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"
#include "rpc/core/pending_calls.h"
#include "rpc/message/correlation_id.h"
#include "rpc/message/envelope.h"
#include "tests/core/recording_call.h"

namespace rpc::core {
namespace {

constexpr TimePoint kStart = TimePoint(std::chrono::hours(1));
constexpr TimePoint kLate = kStart + std::chrono::seconds(1);

// Lets each of `ends` race for the same calls, again and again: whoever wins,
// each call ends once.
void Race(const std::vector<std::function<void(PendingCalls&, CorrelationId)>>&
              ends) {
  constexpr std::size_t kRounds = 300;
  constexpr std::size_t kCalls = 8;
  for (std::size_t round = 0; round < kRounds; ++round) {
    PendingCalls pending(kCalls);
    std::deque<RecordingCall> calls(kCalls);
    std::vector<CorrelationId> ids;
    for (RecordingCall& call : calls) {
      ids.push_back(*pending.Add(&call, Deadline(kStart)));
    }
    std::latch start(static_cast<std::ptrdiff_t>(ends.size()));
    {
      std::vector<std::jthread> racers;
      for (const auto& end : ends) {
        racers.emplace_back([&] {
          start.arrive_and_wait();
          for (const CorrelationId id : ids) end(pending, id);
        });
      }
    }
    for (const RecordingCall& call : calls) ASSERT_EQ(call.times(), 1);
    ASSERT_EQ(pending.in_flight(), 0u);
  }
}

void Answer(PendingCalls& pending, CorrelationId id) {
  pending.OnReply(ReplyTo(id));
}
void Expire(PendingCalls& pending, CorrelationId) { pending.OnTime(kLate); }
void Cancel(PendingCalls& pending, CorrelationId id) { pending.Cancel(id); }
void ClaimAndLose(PendingCalls& pending, CorrelationId id) {
  pending.Claim(TextOf(id));
  pending.OnLost(absl::UnavailableError("lost"));
}
void Refuse(PendingCalls& pending, CorrelationId) {
  pending.OnRefused(absl::UnavailableError("refused"));
}
void Close(PendingCalls& pending, CorrelationId) {
  pending.Close(absl::CancelledError("closed"));
}

TEST(PendingCalls, AReplyRacesWithItsDouble) { Race({Answer, Answer}); }
TEST(PendingCalls, AReplyRacesWithTheDeadline) { Race({Answer, Expire}); }
TEST(PendingCalls, AReplyRacesWithACancellation) { Race({Answer, Cancel}); }
TEST(PendingCalls, AReplyRacesWithALoss) { Race({Answer, ClaimAndLose}); }
TEST(PendingCalls, AReplyRacesWithARefusal) { Race({Answer, Refuse}); }
TEST(PendingCalls, AReplyRacesWithClose) { Race({Answer, Close}); }
TEST(PendingCalls, ADeadlineRacesWithACancellation) { Race({Expire, Cancel}); }
TEST(PendingCalls, AllEndingsRace) {
  Race({Answer, Expire, Cancel, ClaimAndLose, Refuse, Close});
}

// A call that its thread owns: gone as soon as it was completed or removed.
TEST(PendingCalls, TouchesNoCallThatIsOver) {
  PendingCalls pending(100);
  std::atomic<bool> stop = false;
  std::atomic<std::int64_t> ended = 0;
  struct OwnCall final : PendingCall {
    explicit OwnCall(std::atomic<std::int64_t>* to_count) : count(to_count) {}
    void Complete(Reply&&) override {
      std::unique_ptr<OwnCall> self(this);
      ++*count;
    }
    std::atomic<std::int64_t>* count;
  };
  constexpr int kEach = 20'000;
  {
    std::jthread timer([&] {
      for (std::int64_t ms = 0; !stop; ++ms) {
        pending.OnTime(kStart + std::chrono::milliseconds(ms));
        if (ms % 16 == 0) pending.OnLost(absl::UnavailableError("lost"));
      }
    });
    std::vector<std::jthread> callers;
    for (unsigned c = 0; c < 3; ++c) {
      callers.emplace_back([&, c] {
        std::minstd_rand random(c + 1);
        for (int i = 0; i < kEach; ++i) {
          auto call = std::make_unique<OwnCall>(&ended);
          auto added = pending.Add(call.get(), Deadline(kStart));
          while (!added.ok()) {
            std::this_thread::yield();
            added = pending.Add(call.get(), Deadline(kStart));
          }
          call.release();
          const CorrelationId id = *added;
          switch (random() % 4) {
            case 0:
              pending.OnReply(ReplyTo(id));
              break;
            case 1:
              pending.Cancel(id);
              break;
            case 2:
              pending.Claim(TextOf(id));
              break;
            default:
              break;
          }
        }
      });
    }
    for (std::jthread& caller : callers) caller.join();
    stop = true;
  }
  pending.Close(absl::CancelledError("closed"));
  EXPECT_EQ(ended, 3 * kEach);
  EXPECT_EQ(pending.in_flight(), 0u);
}

// What Remote's destructor rests on.
TEST(PendingCalls, NoCompletionRunsWhenCloseHasReturned) {
  struct SlowCall final : PendingCall {
    void Complete(Reply&&) override {
      begun->count_down();
      for (int i = 0; i < 1000; ++i) std::this_thread::yield();
      done = true;
    }
    std::latch* begun = nullptr;
    std::atomic<bool> done = false;
  };
  for (int round = 0; round < 20; ++round) {
    PendingCalls pending(1);
    std::latch begun(1);
    SlowCall call;
    call.begun = &begun;
    const CorrelationId id = *pending.Add(&call, Deadline());
    std::jthread replier([&] { pending.OnReply(ReplyTo(id)); });
    begun.wait();
    pending.Close(absl::CancelledError("closed"));
    EXPECT_TRUE(call.done);
  }
}

}  // namespace
}  // namespace rpc::core
