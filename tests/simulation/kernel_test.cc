#include "tests/simulation/kernel.h"

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "gtest/gtest.h"
#include "rpc/base/random_nonces.h"

namespace rpc::simulation {
namespace {

std::uint64_t FirstNonce() { return RandomNonces().Next(); }
std::uint64_t FirstNonceOf(std::uint64_t seed) {
  const Kernel kernel(seed, [] {});
  return FirstNonce();
}

TEST(Kernel, NoncesComeFromTheSeed) {
  EXPECT_EQ(FirstNonceOf(1), FirstNonceOf(1));
  EXPECT_NE(FirstNonceOf(1), FirstNonceOf(2));
  EXPECT_NE(FirstNonce(), FirstNonce());
}

TEST(Kernel, AWaitLetsTheWorldGoOnWithoutTheMutex) {
  std::mutex mutex;
  std::condition_variable changed;
  int steps = 0;
  const Kernel kernel(1, [&] {
    const std::lock_guard lock(mutex);
    ++steps;
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return steps == 3; });
  EXPECT_EQ(steps, 3);
}

TEST(Kernel, OtherThreadsWaitAsEver) {
  const Kernel kernel(1, [] { FAIL() << "not this thread's wait"; });
  std::mutex mutex;
  std::condition_variable changed;
  bool is_told = false;
  std::thread waiting([&] {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return is_told; });
  });
  {
    const std::lock_guard lock(mutex);
    is_told = true;
  }
  changed.notify_one();
  waiting.join();
}

}  // namespace
}  // namespace rpc::simulation
