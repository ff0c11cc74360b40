#include "tests/support/freeze.h"

#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <new>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace rpc::testing {
namespace {

// Counts in memory that this process sees, on more threads than there are
// processors, and without an end.
class CountingProcess {
 public:
  CountingProcess()
      : counts_(new (mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0)) Counts()),
        process_(fork()) {
    if (process_ == 0) Count();
  }
  CountingProcess(const CountingProcess&) = delete;
  CountingProcess& operator=(const CountingProcess&) = delete;
  ~CountingProcess() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
    munmap(counts_, sizeof(Counts));
  }

  pid_t process() const { return process_; }
  std::uint64_t sum() const {
    std::uint64_t sum = 0;
    for (const auto& count : *counts_) sum += count;
    return sum;
  }
  void AwaitMoreThan(std::uint64_t sum_before) const {
    while (sum() <= sum_before) std::this_thread::yield();
  }

 private:
  using Counts = std::array<std::atomic<std::uint64_t>, 8>;

  [[noreturn]] void Count() {
    std::vector<std::jthread> threads;
    for (auto& count : *counts_) {
      threads.emplace_back([&count] {
        while (true) ++count;
      });
    }
    while (true) pause();
  }

  Counts* const counts_;
  const pid_t process_;
};

TEST(Freeze, NothingRunsAnyMoreWhenItReturns) {
  CountingProcess counting;
  for (int i = 0; i < 20; ++i) {
    counting.AwaitMoreThan(counting.sum());
    Frozen frozen(counting.process());
    ASSERT_TRUE(frozen.status().ok()) << frozen.status();
    const std::uint64_t sum = counting.sum();
    for (int yields = 0; yields < 1000; ++yields) std::this_thread::yield();
    EXPECT_EQ(counting.sum(), sum);
  }
}

TEST(Freeze, NoSuchProcessIsAnError) {
  EXPECT_EQ(Freeze(0).code(), absl::StatusCode::kInternal);
  pid_t ended = fork();
  if (ended == 0) _exit(0);
  ASSERT_EQ(waitpid(ended, nullptr, 0), ended);
  EXPECT_EQ(Freeze(ended).code(), absl::StatusCode::kInternal);
}

}  // namespace
}  // namespace rpc::testing
