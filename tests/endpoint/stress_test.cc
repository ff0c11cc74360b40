#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <stop_token>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/endpoint.h"
#include "tests/core/handling.h"
#include "tests/endpoint/memory_world.h"

namespace rpc::testing {
namespace {

constexpr int kThreads = 8;

void OnEachThread(const std::function<void(int)>& run) {
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) threads.emplace_back(run, t);
}

TEST(Stress, EachOfManyCallsGetsItsOwnResult) {
  constexpr std::int64_t kEach = 5000;
  MemoryWorld world;
  std::atomic<std::uint64_t> runs = 0;
  const auto server = world.Serve(Handle<Double>([&](std::int64_t n) {
                                    ++runs;
                                    return 2 * n;
                                  }),
                                  {.server = {.workers = 3}});
  auto client = world.Connect<Double>();
  std::atomic<std::uint64_t> wrong = 0;
  OnEachThread([&](int thread) {
    for (std::int64_t i = 0; i < kEach; ++i) {
      const std::int64_t n = thread * kEach + i;
      const absl::StatusOr<std::int64_t> twice = client.Call(n);
      if (!twice.ok() || *twice != 2 * n) ++wrong;
    }
  });
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(runs, kThreads * kEach);
  EXPECT_EQ(client.call_counters().started, kThreads * kEach);
  EXPECT_EQ(client.call_counters().expired, 0u);
  EXPECT_EQ(client.call_counters().unknown_replies, 0u);
  EXPECT_TRUE(server->Stop().ok());
  const ServerCounters served = server->endpoint().server_counters();
  EXPECT_EQ(served.succeeded, kThreads * kEach);
  EXPECT_EQ(
      served.failed + served.expired + served.redelivered + served.given_back,
      0u);
}

// Calls that are answered, fail, expire, are cancelled and are cut off by
// servers that stop: each ends once, with a value that is right or a status.
TEST(Stress, EachCallEndsOnceWhateverHappens) {
  constexpr int kEach = 1500;
  MemoryWorld world;
  const auto handler =
      Handle<Double>([](std::int64_t n) -> absl::StatusOr<std::int64_t> {
        if (n % 5 == 0) return absl::AbortedError("five");
        return 2 * n;
      });
  auto first = world.Serve(handler, {.server = {.workers = 2}});
  const auto second = world.Serve(handler, {.server = {.workers = 2}});
  auto client = world.Connect<Double>({.callback_threads = 2});
  std::vector<std::atomic<int>> ended(kThreads * kEach);
  std::atomic<int> wrong = 0;
  std::atomic<int> over = 0;
  OnEachThread([&](int thread) {
    std::minstd_rand random(static_cast<unsigned>(thread) + 1);
    for (int i = 0; i < kEach; ++i) {
      const int n = thread * kEach + i;
      auto& times = ended[static_cast<std::size_t>(n)];
      const auto end = [&times, &wrong, &over,
                        n](const absl::StatusOr<std::int64_t>& result) {
        ++times;
        const absl::StatusCode code = result.status().code();
        const bool is_right =
            result.ok() ? *result == 2 * n
                        : code == absl::StatusCode::kAborted ||
                              code == absl::StatusCode::kCancelled ||
                              code == absl::StatusCode::kDeadlineExceeded;
        if (!is_right) ++wrong;
        ++over;
      };
      std::stop_source cancel;
      CallOptions options;
      if (random() % 4 == 0) {
        options.timeout = absl::Microseconds(random() % 500);
      }
      if (random() % 4 == 0) options.cancellation = cancel.get_token();
      if (random() % 2 == 0) {
        client.CallAsync(n, options, end);
        cancel.request_stop();
      } else {
        end(client.Call(n, options));
      }
    }
  });
  first.reset();
  while (over < kThreads * kEach) std::this_thread::yield();
  EXPECT_EQ(wrong, 0);
  for (const std::atomic<int>& times : ended) ASSERT_EQ(times, 1);
}

// Two servers take turns in going away while calls go on: none is lost, and
// what was given back runs elsewhere.
TEST(Stress, NoCallIsLostWhileServersComeAndGo) {
  MemoryWorld world;
  std::atomic<bool> done = false;
  const auto handler = Handle<Double>([](std::int64_t n) { return 2 * n; });
  const auto stays = world.Serve(handler, {.server = {.workers = 1}});
  std::jthread coming_and_going([&] {
    while (!done) {
      const auto goes = world.Serve(handler, {.server = {.workers = 1}});
      EXPECT_TRUE(goes->Stop().ok());
    }
  });
  auto client = world.Connect<Double>();
  std::atomic<int> wrong = 0;
  OnEachThread([&](int thread) {
    for (std::int64_t i = 0; i < 1000; ++i) {
      const std::int64_t n = thread * 1000 + i;
      const absl::StatusOr<std::int64_t> twice = client.Call(n);
      if (!twice.ok() || *twice != 2 * n) ++wrong;
    }
  });
  done = true;
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(client.call_counters().unknown_replies, 0u);
}

}  // namespace
}  // namespace rpc::testing
