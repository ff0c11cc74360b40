#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/support/figure.h"
#include "tests/transport/rabbitmq_bench.h"
#include "tests/transport/rabbitmq_probe.h"

namespace rpc::testing {
namespace {

TEST(ManyCalls, AreAllAnsweredRightOnceAndInTime) {
  constexpr std::size_t kCalls = 100'000;
  constexpr std::size_t kThreads = 8;
  constexpr absl::Duration kTimeout = absl::Seconds(20);
  const RabbitMqTopology topology = TutorialQueue(UniqueName("many"));
  std::vector<std::atomic<int>> runs(kCalls);
  TestServer<ProbeServer> server(
      At(topology), Probe{[&](const ServerContext&, std::uint64_t n) {
        ++runs.at(n);
        return 3 * n + 1;
      }});
  auto client = ProbeClient::Open(At<ProbeClient>(topology));
  ASSERT_TRUE(client.ok()) << client.status();

  std::atomic<std::size_t> right = 0, wrong = 0, failed = 0, late = 0;
  {
    std::vector<std::jthread> callers;
    for (std::size_t caller = 0; caller < kThreads; ++caller) {
      callers.emplace_back([&, caller] {
        for (std::size_t n = caller; n < kCalls; n += kThreads) {
          absl::StatusOr<std::uint64_t> value;
          const absl::Duration took =
              Took([&] { value = client->Call(n, {.timeout = kTimeout}); });
          if (took > kTimeout + absl::Milliseconds(100)) ++late;
          if (!value.ok()) {
            ++failed;
          } else {
            ++(*value == 3 * n + 1 ? right : wrong);
          }
        }
      });
    }
  }
  EXPECT_EQ(right, kCalls);
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(failed, 0u);
  EXPECT_EQ(late, 0u);
  RecordFigure("calls wrong, lost or late, of 8 threads",
               absl::StrCat(wrong + failed + late, " of ", kCalls), "0");
  EXPECT_EQ(std::count_if(runs.begin(), runs.end(),
                          [](const auto& count) { return count != 1; }),
            0);
  EXPECT_EQ(client->call_counters().started, kCalls);
  EXPECT_EQ(client->call_counters().unknown_replies, 0u);
  EXPECT_TRUE(server.Stop().ok());
  EXPECT_EQ(server.endpoint().server_counters().succeeded, kCalls);
  EXPECT_EQ(server.endpoint().server_counters().redelivered, 0u);
}

}  // namespace
}  // namespace rpc::testing
