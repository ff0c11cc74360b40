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

TEST(RingQueue, LetsGoOfWhatWasTaken) {
  RingQueue<std::shared_ptr<int>> queue;
  const auto value = std::make_shared<int>(1);
  queue.Push(value);
  queue.Push(value);
  EXPECT_EQ(value.use_count(), 3);
  queue.Pop();
  EXPECT_EQ(value.use_count(), 2);
  queue.Pop();
  EXPECT_EQ(value.use_count(), 1);
}

}  // namespace
}  // namespace rpc::core
