#include "rpc/core/ring_queue.h"

#include <cstddef>
#include <memory>
#include <optional>

#include "gtest/gtest.h"

namespace rpc::core {
namespace {

TEST(RingQueue, GivesNothingWhenEmpty) {
  RingQueue<int> queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.size(), 0u);
  EXPECT_EQ(queue.Pop(), std::nullopt);
}

TEST(RingQueue, IsFirstInFirstOutWhileItGrowsAndWraps) {
  RingQueue<int> queue;
  int pushed = 0;
  int popped = 0;
  // Each round leaves the start elsewhere in the ring and the ring fuller.
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 7; ++i) queue.Push(pushed++);
    for (int i = 0; i < 4; ++i) ASSERT_EQ(queue.Pop(), popped++);
    ASSERT_EQ(queue.size(), static_cast<std::size_t>(pushed - popped));
  }
  while (popped < pushed) ASSERT_EQ(queue.Pop(), popped++);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.Pop(), std::nullopt);
}

struct ReadOnly {
  explicit ReadOnly(int number) : value(std::make_unique<int>(number)) {}
  ReadOnly(ReadOnly&&) = default;
  ReadOnly& operator=(ReadOnly&&) = delete;

  std::unique_ptr<int> value;
};

TEST(RingQueue, NeedsAMoveConstructorOnly) {
  RingQueue<ReadOnly> queue;
  for (int i = 0; i < 40; ++i) queue.Push(ReadOnly(i));
  for (int i = 0; i < 40; ++i) ASSERT_EQ(*queue.Pop()->value, i);
}

// Counts those that live, moved from or not.
struct Living {
  explicit Living(int* of) : count(of) { ++*count; }
  Living(Living&& other) noexcept : count(other.count) { ++*count; }
  Living& operator=(Living&&) = delete;
  ~Living() { --*count; }

  int* count;
};

TEST(RingQueue, LetsGoOfWhatWasTaken) {
  int living = 0;
  RingQueue<Living> queue;
  for (int i = 0; i < 40; ++i) queue.Push(Living(&living));
  EXPECT_EQ(living, 40);
  for (int left = 39; left >= 0; --left) {
    queue.Pop();
    ASSERT_EQ(living, left);
  }
}

}  // namespace
}  // namespace rpc::core
