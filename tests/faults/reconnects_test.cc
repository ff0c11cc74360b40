#include <chrono>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/amqp/url.h"
#include "rpc/base/deadline.h"
#include "tests/faults/faulty_world.h"
#include "tests/faults/holdings.h"
#include "tests/support/broker.h"
#include "tests/support/fault_proxy.h"
#include "tests/support/figure.h"

namespace rpc::testing {
namespace {

using Worlds = std::vector<std::unique_ptr<FaultyWorld>>;

// The first call may be lost with the connection.
void CallUntilAnswered(EchoClient& client) {
  absl::Status status;
  const TimePoint begin = Clock::now();
  do {
    status = client.Call("x", {.timeout = absl::Seconds(5)}).status();
  } while (!status.ok() && Clock::now() - begin < std::chrono::seconds(5));
  ASSERT_TRUE(status.ok()) << status;
}

// Clients and servers lose their connections so many times, and serve again.
void Reconnect(const Worlds& worlds, int times) {
  for (int i = 0; i < times; ++i) {
    const Cut cut = i % 2 == 0 ? Cut::kReset : Cut::kFinish;
    for (const auto& world : worlds) world->proxy().CutAll(cut);
    for (const auto& world : worlds) {
      CallUntilAnswered(world->client());
      ASSERT_EQ(world->proxy().open(), 2);
    }
  }
}

TEST(Reconnects, LeaveNoDescriptorsThreadsAndMemoryBehind) {
  // Each makes a client and a server redial at the same time as the others,
  // which wait for up to 250 ms before they do.
  constexpr int kWorlds = 5;
  Worlds worlds;
  for (int i = 0; i < kWorlds; ++i) {
    worlds.push_back(std::make_unique<FaultyWorld>(
        FaultyWorld::Setting{.broker_port = amqp::ParseUrl(BrokerUrl())->port,
                             .behind = Behind::kBoth}));
  }
  // What is allocated once is there after some.
  Reconnect(worlds, 5);
  const Holdings before = Count();
  Reconnect(worlds, 200 / (2 * kWorlds));
  const Holdings after = Count();
  EXPECT_EQ(after.descriptors, before.descriptors);
  EXPECT_EQ(after.threads, before.threads);
  RecordFigure("memory, descriptors, threads grown by 200 reconnects",
               absl::StrCat(GrowthInKilobytes(before, after), " kB, ",
                            after.descriptors - before.descriptors, ", ",
                            after.threads - before.threads),
               "< 5,000 kB, 0, 0");
  if (!kIsSanitized) {
    EXPECT_LT(GrowthInKilobytes(before, after), 5000);
  }
}

}  // namespace
}  // namespace rpc::testing
