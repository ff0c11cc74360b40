#include <atomic>
#include <cstdint>
#include <semaphore>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/faults/holdings.h"
#include "tests/support/figure.h"
#include "tests/transport/rabbitmq_bench.h"
#include "tests/transport/rabbitmq_probe.h"

namespace rpc::testing {
namespace {

// ThreadSanitizer and AddressSanitizer hold memory of their own, so that only
// descriptors and threads are counted then.
constexpr int kCalls = kIsSanitized ? 100'000 : 1'000'000;

// Makes so many calls, some hundreds at a time, and returns how many failed.
int Call(ProbeClient& client, int calls) {
  constexpr int kInFlight = 500;
  std::counting_semaphore<kInFlight> room(kInFlight);
  std::atomic<int> failed = 0;
  for (int i = 0; i < calls; ++i) {
    room.acquire();
    const auto n = static_cast<std::uint64_t>(i);
    client.CallAsync(n, [&, n](const auto& value) {
      if (!value.ok() || *value != n) ++failed;
      room.release();
    });
  }
  for (int i = 0; i < kInFlight; ++i) room.acquire();
  return failed;
}

TEST(MemoryGrowth, MillionCallsLeaveLessThanFiveMegabytesBehind) {
  const RabbitMqTopology topology = TutorialQueue(UniqueName("growth"));
  TestServer<ProbeServer> server(
      At(topology),
      Probe{[](const ServerContext&, std::uint64_t n) { return n; }});
  auto client = ProbeClient::Open(At<ProbeClient>(topology));
  ASSERT_TRUE(client.ok()) << client.status();
  // What is allocated once is there after some.
  EXPECT_EQ(Call(*client, 50'000), 0);
  const Holdings before = Count();
  EXPECT_EQ(Call(*client, kCalls), 0);
  const Holdings after = Count();
  EXPECT_EQ(after.descriptors, before.descriptors);
  EXPECT_EQ(after.threads, before.threads);
  if (!kIsSanitized) {
    RecordFigure("memory grown by 1,000,000 calls",
                 absl::StrCat(GrowthInKilobytes(before, after), " kB"),
                 "< 5,000 kB");
    EXPECT_LT(GrowthInKilobytes(before, after), 5000);
  }
}

}  // namespace
}  // namespace rpc::testing
