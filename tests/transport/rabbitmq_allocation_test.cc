#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <new>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/transport/rabbitmq_bench.h"
#include "tests/transport/rabbitmq_probe.h"

namespace {

std::atomic<std::size_t> allocations = 0;

}  // namespace

// Not inlined: g++ would warn of memory from new that goes to free.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace rpc::testing {
namespace {

// A server and a client of one queue, in this process: what is counted is what
// both need.
class AllocationTest : public ::testing::Test {
 protected:
  static FibonacciServer::Options Inline(FibonacciServer::Options options) {
    options.server.workers = 0;
    return options;
  }

  const RabbitMqTopology topology_ = TutorialQueue(UniqueName("allocation"));
  TestServer<FibonacciServer> server_{Inline(At<FibonacciServer>(topology_))};
  absl::StatusOr<FibonacciClient> client_ =
      FibonacciClient::Open(At<FibonacciClient>(topology_));
};

TEST_F(AllocationTest, ABlockingCallNeedsNone) {
  ASSERT_TRUE(client_.ok()) << client_.status();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(client_->Call(90).ok());
  const std::size_t before = allocations;
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(client_->Call(90).ok());
  // Some for what is no call's, heartbeats or a longer list.
  EXPECT_LT(allocations - before, 50u);
  // The counter counts.
  EXPECT_FALSE(client_->Call(94).ok());
  EXPECT_GT(allocations - before, 2u);
}

TEST_F(AllocationTest, AnAsynchronousCallNeedsOne) {
  constexpr int kInFlight = 64;
  constexpr int kCalls = 5000;
  ASSERT_TRUE(client_.ok()) << client_.status();
  Tally ended;
  std::atomic<int> left = 0;
  std::function<void(const absl::StatusOr<std::uint64_t>&)> next =
      [&](const absl::StatusOr<std::uint64_t>& value) {
        ASSERT_TRUE(value.ok()) << value.status();
        if (--left < 0) return ended.Add();
        client_->CallAsync(90, std::ref(next));
      };
  const auto run = [&](int calls) {
    left = calls;
    const int ended_before = ended.count();
    for (int i = 0; i < kInFlight; ++i) client_->CallAsync(90, std::ref(next));
    return ended.WaitFor(ended_before + kInFlight);
  };
  ASSERT_TRUE(run(kCalls));
  const std::size_t before = allocations;
  ASSERT_TRUE(run(kCalls));
  EXPECT_LT(allocations - before, std::size_t{kCalls} * 5 / 4);
}

}  // namespace
}  // namespace rpc::testing
