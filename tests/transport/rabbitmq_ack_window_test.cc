#include "rpc/transport/rabbitmq_ack_window.h"

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace rpc::rabbitmq {
namespace {

// The frames of a flush: "1-3" for an ack of all up to 3, "5" for one of 5.
std::vector<std::string> Flush(AckWindow& window) {
  std::vector<std::string> frames;
  window.Flush(
      [&](std::uint64_t tag) { frames.push_back("-" + std::to_string(tag)); },
      [&](std::uint64_t tag) { frames.push_back(std::to_string(tag)); });
  return frames;
}

AckWindow WindowOf(std::uint64_t first, std::uint64_t last) {
  AckWindow window;
  for (std::uint64_t tag = first; tag <= last; ++tag) window.Delivered(tag);
  return window;
}

using Frames = std::vector<std::string>;

TEST(AckWindow, NothingIsDueAtFirst) {
  AckWindow window;
  EXPECT_EQ(Flush(window), Frames());
  window.Delivered(1);
  EXPECT_EQ(Flush(window), Frames());
}

TEST(AckWindow, OneFrameCoversARun) {
  AckWindow window = WindowOf(1, 4);
  for (const unsigned tag : {2u, 3u, 1u}) window.Ack(tag);
  EXPECT_EQ(Flush(window), Frames{"-3"});
  EXPECT_EQ(Flush(window), Frames());
  window.Ack(4);
  EXPECT_EQ(Flush(window), Frames{"-4"});
}

TEST(AckWindow, NoneWaitsForASlowNeighbour) {
  AckWindow window = WindowOf(1, 3);
  window.Ack(2);
  window.Ack(3);
  EXPECT_EQ(Flush(window), (Frames{"2", "3"}));
  window.Ack(1);
  EXPECT_EQ(Flush(window), Frames{"-1"});
}

// An ack up to a rejected delivery would name one that the broker no longer
// knows, which closes the channel.
TEST(AckWindow, NeverNamesWhatWasSettledByAFrameOfItsOwn) {
  AckWindow window = WindowOf(1, 3);
  window.Settled(3);
  window.Ack(1);
  window.Ack(2);
  EXPECT_EQ(Flush(window), Frames{"-2"});
  window.Delivered(4);
  window.Settled(4);
  EXPECT_EQ(Flush(window), Frames());
}

TEST(AckWindow, BeginsAtAnyTag) {
  AckWindow window = WindowOf(7, 8);
  window.Ack(7);
  EXPECT_EQ(Flush(window), Frames{"-7"});
}

TEST(AckWindow, UnknownTagsAreIgnored) {
  AckWindow window = WindowOf(3, 3);
  window.Ack(1);
  window.Ack(4);
  window.Settled(9);
  EXPECT_EQ(Flush(window), Frames());
}

// Whatever the order: each delivery is acknowledged once, and none that is
// open.
TEST(AckWindow, AcknowledgesEachOnceInAnyOrder) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    AckWindow window;
    std::set<std::uint64_t> open, due, acked;
    std::uint64_t next = 1;
    const auto acknowledge = [&](std::uint64_t tag) {
      ASSERT_EQ(due.count(tag), 1u) << tag;
      due.erase(tag);
      ASSERT_TRUE(acked.insert(tag).second) << tag;
    };
    const auto flush = [&] {
      window.Flush(
          [&](std::uint64_t tag) {
            ASSERT_TRUE(open.empty() || *open.begin() > tag);
            const std::set<std::uint64_t> covered(due.begin(),
                                                  due.upper_bound(tag));
            ASSERT_EQ(covered.count(tag), 1u);
            for (const std::uint64_t each : covered) acknowledge(each);
          },
          acknowledge);
      ASSERT_TRUE(due.empty());
    };
    for (int step = 0; step < 100; ++step) {
      const auto choice = random() % 4;
      if (choice < 2) {
        open.insert(next);
        window.Delivered(next++);
      } else if (choice == 2 && !open.empty()) {
        const auto tag = *std::next(
            open.begin(), static_cast<std::ptrdiff_t>(random() % open.size()));
        open.erase(tag);
        due.insert(tag);
        window.Ack(tag);
      } else if (choice == 3) {
        flush();
      }
    }
    for (const std::uint64_t tag : std::exchange(open, {})) {
      due.insert(tag);
      window.Ack(tag);
    }
    flush();
    ASSERT_EQ(acked.size(), next - 1);
  }
}

}  // namespace
}  // namespace rpc::rabbitmq
