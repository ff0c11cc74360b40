#include "rpc/core/worker_pool.h"

#include <atomic>
#include <functional>
#include <latch>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"
#include "tests/core/gate.h"

namespace rpc::core {
namespace {

using ::rpc::testing::Gate;
using ::rpc::testing::kPatience;

using Work = std::function<void()>;

template <typename Task, typename T>
void Push(WorkerPool<Task>& pool, T task) {
  pool.Append(std::move(task));
  pool.Wake();
}

WorkerPool<Work> PoolOf(int threads) {
  return WorkerPool<Work>(threads, [](const Work& work) { work(); });
}

TEST(WorkerPool, RunsTasksInOrderOnOneThread) {
  std::vector<int> ran;
  {
    WorkerPool<int> pool(1, [&](int task) { ran.push_back(task); });
    for (int i = 0; i < 100; ++i) Push(pool, i);
  }
  ASSERT_EQ(ran.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ran[static_cast<std::size_t>(i)], i);
}

TEST(WorkerPool, RunsAsManyTasksAtOnceAsItHasThreads) {
  WorkerPool<Work> pool = PoolOf(4);
  std::latch all_run(5);
  for (int i = 0; i < 4; ++i) {
    Push(pool, [&] { all_run.arrive_and_wait(); });
  }
  // Hangs if three threads ran the four.
  all_run.arrive_and_wait();
  EXPECT_TRUE(pool.WaitIdle(Deadline::After(kPatience)));
}

TEST(WorkerPool, DoesNotRunTasksOnThePushersThread) {
  WorkerPool<Work> pool = PoolOf(1);
  std::thread::id ran_on;
  Push(pool, [&] { ran_on = std::this_thread::get_id(); });
  EXPECT_TRUE(pool.WaitIdle(Deadline()));
  EXPECT_NE(ran_on, std::thread::id());
  EXPECT_NE(ran_on, std::this_thread::get_id());
}

TEST(WorkerPool, GivesBackWhatNoThreadHasBegun) {
  Gate begun;
  Gate go_on;
  WorkerPool<std::unique_ptr<int>> pool(1, [&](const std::unique_ptr<int>&) {
    begun.Open();
    go_on.Wait();
  });
  for (int i = 0; i < 3; ++i) {
    Push(pool, std::make_unique<int>(i));
    ASSERT_TRUE(begun.Wait());
  }
  EXPECT_EQ(**pool.TakeQueued(), 1);
  EXPECT_EQ(**pool.TakeQueued(), 2);
  EXPECT_FALSE(pool.TakeQueued().has_value());
  go_on.Open();
}

TEST(WorkerPool, IsNotIdleWhileATaskRuns) {
  WorkerPool<Work> pool = PoolOf(2);
  Gate begun;
  Gate go_on;
  Push(pool, [&] {
    begun.Open();
    go_on.Wait();
  });
  ASSERT_TRUE(begun.Wait());
  EXPECT_FALSE(pool.WaitIdle(Deadline::After(absl::Milliseconds(1))));
  go_on.Open();
  EXPECT_TRUE(pool.WaitIdle(Deadline::After(kPatience)));
}

TEST(WorkerPool, IsNotIdleWhileATaskIsQueued) {
  WorkerPool<Work> pool = PoolOf(1);
  std::atomic<int> ran = 0;
  for (int i = 0; i < 1000; ++i) Push(pool, [&] { ++ran; });
  EXPECT_TRUE(pool.WaitIdle(Deadline()));
  EXPECT_EQ(ran, 1000);
}

TEST(WorkerPool, IsIdleWhenTheLastQueuedTaskIsTaken) {
  WorkerPool<Work> pool = PoolOf(1);
  for (int round = 0; round < 1000; ++round) {
    Push(pool, [] {});
    std::jthread taker([&] { pool.TakeQueued(); });
    ASSERT_TRUE(pool.WaitIdle(Deadline::After(kPatience)));
  }
}

TEST(WorkerPool, JoinRunsWhatTheQueuedTasksPush) {
  std::atomic<int> ran = 0;
  WorkerPool<Work> pool = PoolOf(1);
  for (int i = 0; i < 10; ++i) {
    Push(pool, [&] {
      ++ran;
      Push(pool, [&] { ++ran; });
    });
  }
  pool.Join();
  EXPECT_EQ(ran, 20);
}

TEST(WorkerPool, DestroysATaskWithoutItsLock) {
  using Task = std::shared_ptr<void>;
  std::atomic<int> ran = 0;
  WorkerPool<Task> pool(1, [&](const Task&) { ++ran; });
  Push(pool, Task(nullptr, [&](void*) { Push(pool, nullptr); }));
  pool.Join();
  EXPECT_EQ(ran, 2);
}

TEST(WorkerPool, RunsEachTaskOnceUnderManyPushers) {
  constexpr int kPushers = 4;
  constexpr int kEach = 5000;
  std::vector<std::atomic<int>> ran(kPushers * kEach);
  {
    WorkerPool<int> pool(
        3, [&](int task) { ++ran[static_cast<std::size_t>(task)]; });
    std::vector<std::jthread> pushers;
    for (int p = 0; p < kPushers; ++p) {
      pushers.emplace_back([&pool, p] {
        for (int i = 0; i < kEach; ++i) Push(pool, p * kEach + i);
      });
    }
  }
  for (const std::atomic<int>& count : ran) ASSERT_EQ(count, 1);
}

TEST(WorkerPool, WakesForWhatWasAppended) {
  WorkerPool<Work> pool = PoolOf(3);
  std::latch all_run(4);
  for (int i = 0; i < 3; ++i) {
    pool.Append([&] { all_run.arrive_and_wait(); });
  }
  pool.Wake();
  // Hangs if fewer than three threads were woken.
  all_run.arrive_and_wait();
  EXPECT_TRUE(pool.WaitIdle(Deadline::After(kPatience)));
}

TEST(WorkerPool, TakesNoMoreThanMayWait) {
  Gate begun;
  Gate go_on;
  std::atomic<int> ran = 0;
  {
    WorkerPool<std::unique_ptr<int>> pool(1, [&](const std::unique_ptr<int>&) {
      begun.Open();
      go_on.Wait();
      ++ran;
    });
    Push(pool, std::make_unique<int>(1));
    ASSERT_TRUE(begun.Wait());
    auto second = std::make_unique<int>(2);
    EXPECT_TRUE(pool.TryPush(second, 1));
    auto third = std::make_unique<int>(3);
    EXPECT_FALSE(pool.TryPush(third, 1));
    EXPECT_NE(third, nullptr);
    go_on.Open();
  }
  EXPECT_EQ(ran, 2);
}

}  // namespace
}  // namespace rpc::core
