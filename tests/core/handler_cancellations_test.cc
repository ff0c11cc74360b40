#include "rpc/core/handler_cancellations.h"

#include <atomic>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"
#include "tests/core/gate.h"

namespace rpc::core {
namespace {

using ::rpc::testing::Gate;
using Running = HandlerCancellations::Running;

TEST(HandlerCancellations, ComeInTheOrderOfDeadlinesNotOfBeginnings) {
  HandlerCancellations cancellations;
  const Running late(&cancellations, Deadline::After(absl::Hours(1)), nullptr);
  const Running never(&cancellations, Deadline(), nullptr);
  // The thread sleeps until the late one's by now, or will.
  const Deadline soon = Deadline::After(absl::Milliseconds(30));
  const Running early(&cancellations, soon, nullptr);
  Gate cancelled;
  const std::stop_callback told(early.token(), [&] { cancelled.Open(); });
  ASSERT_TRUE(cancelled.Wait());
  EXPECT_TRUE(soon.Expired(Clock::now()));
  EXPECT_FALSE(late.token().stop_requested());
  EXPECT_FALSE(never.token().stop_requested());
}

TEST(HandlerCancellations, WhatBeginsAfterTheEndOfAllIsCancelledToo) {
  HandlerCancellations cancellations;
  const Running before(&cancellations, Deadline(), nullptr);
  EXPECT_FALSE(before.token().stop_requested());
  cancellations.CancelAll();
  EXPECT_TRUE(before.token().stop_requested());
  const Running after(&cancellations, Deadline(), nullptr);
  EXPECT_TRUE(after.token().stop_requested());
}

TEST(HandlerCancellations, ThoseThatEndedAreLeftAlone) {
  HandlerCancellations cancellations;
  std::stop_token ended;
  {
    const Running running(&cancellations,
                          Deadline::After(absl::Milliseconds(20)), nullptr);
    ended = running.token();
  }
  // Takes its place.
  const Running next(&cancellations, Deadline::After(absl::Milliseconds(40)),
                     nullptr);
  Gate cancelled;
  const std::stop_callback told(next.token(), [&] { cancelled.Open(); });
  ASSERT_TRUE(cancelled.Wait());
  EXPECT_FALSE(ended.stop_requested());
}

// A handler that waits for another one, which begins only now.
TEST(HandlerCancellations, ACallbackMayBeginAndEndOthers) {
  HandlerCancellations cancellations;
  Gate done;
  const Running running(&cancellations, Deadline::After(absl::Milliseconds(1)),
                        nullptr);
  const std::stop_callback told(running.token(), [&] {
    { const Running other(&cancellations, Deadline(), nullptr); }
    done.Open();
  });
  EXPECT_TRUE(done.Wait());
}

TEST(HandlerCancellations, ManyAtOnceComeEachToItsOwn) {
  HandlerCancellations cancellations;
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> workers;
    for (int worker = 0; worker < 4; ++worker) {
      workers.emplace_back([&] {
        for (int i = 0; i < 300; ++i) {
          const bool waits = i % 30 == 0;
          const Deadline deadline = Deadline::After(
              waits ? absl::Milliseconds(5) : absl::Seconds(100));
          const Running running(&cancellations, deadline, nullptr);
          if (!waits) {
            wrong += running.token().stop_requested() ? 1 : 0;
            continue;
          }
          Gate cancelled;
          const std::stop_callback told(running.token(),
                                        [&] { cancelled.Open(); });
          if (!cancelled.Wait() || !deadline.Expired(Clock::now())) ++wrong;
        }
      });
    }
  }
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace rpc::core
