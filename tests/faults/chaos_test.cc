// Draws faults at random over real clients and servers and accounts for every
// call: chaos_test [--seed N] [--minutes N].

#include <chrono>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"
#include "tests/faults/chaos_book.h"
#include "tests/faults/chaos_run.h"
#include "tests/faults/chaos_servers.h"
#include "tests/faults/chaos_world.h"
#include "tests/faults/holdings.h"
#include "tests/faults/marking_handler.h"
#include "tests/faults/marks.h"
#include "tests/support/private_broker.h"
#include "tests/support/runfiles.h"

namespace rpc::testing {
namespace {

using ::testing::UnorderedElementsAreArray;

std::uint64_t seed = std::random_device()();
std::uint64_t minutes = 1;

// What is allocated once is there after some.
constexpr int kFirstWindows = 3;

// Nobody is connected any more, and nothing waits.
void ExpectNothingLeft(const PrivateBroker& broker, ChaosWorld& world) {
  const TimePoint begun = Clock::now();
  std::vector<std::string> queues = {world.places().queue(kQuorum) + ".dead"};
  for (const ChaosQueue queue : kChaosQueues) {
    queues.push_back(world.places().queue(queue));
    ChaosServers::QueueState state;
    do {
      state = world.servers().LookAt(queue);
    } while (state.depth != 0 && absl::FromChrono(Clock::now() - begun) <
                                     ChaosBook::kLongestTimeout);
    EXPECT_EQ(state.depth, 0u) << queues.back();
    EXPECT_EQ(state.consumers, 0u) << queues.back();
  }
  const std::vector<std::string> lines =
      absl::StrSplit(broker.Ctl({"list_queues", "--no-table-headers", "name"})
                         .value_or("none"),
                     '\n', absl::SkipEmpty());
  EXPECT_THAT(lines, UnorderedElementsAreArray(queues));
  EXPECT_EQ(broker.Ctl({"list_connections", "--no-table-headers", "name"})
                .value_or("none"),
            "");
}

TEST(Chaos, EveryCallIsAccountedFor) {
  std::cout << "seed " << seed << "; --seed " << seed
            << " brings the same faults\n";
  auto broker = PrivateBroker::Start();
  ASSERT_TRUE(broker.ok()) << broker.status();
  const std::string log = NewTestDirectory() + "/marks";
  ChaosBook book;
  MarkReader marks(log);
  const MarkingHandler handler(log, kHandlerPause);
  // A sanitizer's own begins with the first one.
  std::thread([] {}).join();
  Holdings first, last;
  const Holdings before = Count();
  {
    ChaosWorld world(broker->get(), &book, log, handler);
    ChaosRun run(seed, &world, &book, &marks, &std::cout);
    const TimePoint end = Clock::now() + std::chrono::minutes(minutes);
    while (Clock::now() < end || run.all().windows <= kFirstWindows) {
      run.Window();
      if (run.all().windows == kFirstWindows) first = Count();
    }
    last = Count();
    run.End();
    ExpectNothingLeft(**broker, world);
    run.PrintTable();
    EXPECT_EQ(run.all().violations, 0) << "see above";
  }
  const Holdings after = Count();
  EXPECT_EQ(after.descriptors, before.descriptors);
  EXPECT_EQ(after.threads, before.threads);
  const int allocated =
      GrowthInKilobytes(first, last, &Holdings::allocated_bytes);
  std::cout << absl::StrFormat(
      "%d calls; %d descriptors and %d threads before, %d and %d after; %d kB "
      "more in use, %d kB more resident\n",
      book.calls(), before.descriptors, before.threads, after.descriptors,
      after.threads, allocated, GrowthInKilobytes(first, last));
  if (!kIsSanitized) {
    EXPECT_LT(allocated, 5000);
  }
}

}  // namespace
}  // namespace rpc::testing

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; i += 2) {
    const std::string flag = argv[i];
    if (flag != "--seed" && flag != "--minutes") return 2;
    std::uint64_t& value =
        flag == "--seed" ? rpc::testing::seed : rpc::testing::minutes;
    if (i + 1 == argc || !absl::SimpleAtoi(argv[i + 1], &value)) return 2;
  }
  return RUN_ALL_TESTS();
}
