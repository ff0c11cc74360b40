#include <csignal>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/base/status.h"
#include "rpc/endpoint.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/faults/marking_handler.h"
#include "tests/faults/marks.h"
#include "tests/support/broker.h"
#include "tests/support/figure.h"
#include "tests/support/freeze.h"
#include "tests/support/runfiles.h"
#include "tests/support/subprocess.h"
#include "tests/transport/rabbitmq_bench.h"
#include "tests/transport/rabbitmq_plain_client.h"

namespace rpc::testing {
namespace {

using Client =
    RpcEndpoint<RabbitMqTransport, DecimalSerializer, MarkingHandler::Method>;

constexpr int kCalls = 10'000;

// What a server left in its log: for each n whether it was told of a
// redelivery, at the last time.
std::map<std::uint64_t, bool> ReadLog(const std::string& path) {
  std::map<std::uint64_t, bool> marks;
  for (const Mark& mark : MarkReader(path).ReadNew()) {
    marks[mark.argument] = mark.redelivered;
  }
  return marks;
}

struct Outcomes {
  std::mutex mutex;
  int right = 0;
  int right_and_redelivered = 0;
  int may_have_run = 0;
  int wrong = 0;
  std::map<std::uint64_t, int> endings;
};

TEST(ServerKilled, EachCallStillEndsAndRedeliveredOnesAreToldSo) {
  const std::string queue = UniqueName("killed");
  PlainClient plain(BrokerUrl());
  plain.DeclareQueue(queue);
  const std::string directory = NewTestDirectory();
  const std::string program = Runfile("tests/faults/marking_server");
  Subprocess victim({program, BrokerUrl(), queue, directory + "/victim"});
  Subprocess survivor({program, BrokerUrl(), queue, directory + "/survivor"});

  Client::Options options;
  options.transport.url = BrokerUrl();
  options.transport.topology = TutorialQueue(queue);
  options.default_timeout = absl::Minutes(2);
  auto client = Client::Open(options);
  ASSERT_TRUE(client.ok()) << client.status();
  Outcomes outcomes;
  Tally over;
  const auto call = [&](std::uint64_t n) {
    client->CallAsync(n, [&, n](absl::StatusOr<std::uint64_t> value) {
      {
        const std::lock_guard lock(outcomes.mutex);
        ++outcomes.endings[n];
        if (!value.ok()) {
          ++(MayHaveRun(value.status()) ? outcomes.may_have_run
                                        : outcomes.wrong);
        } else if (*value / 2 != n) {
          ++outcomes.wrong;
        } else {
          ++(*value % 2 == 0 ? outcomes.right : outcomes.right_and_redelivered);
        }
      }
      over.Add();
    });
  };
  std::uint64_t next = 0;
  while (next < kCalls / 2) call(next++);
  ASSERT_TRUE(over.WaitFor(kCalls / 5, absl::Minutes(1)));
  // Whatever it is doing now, of the second half it is sent as many requests
  // as it may hold, and dies with them.
  ASSERT_TRUE(Freeze(victim.pid()).ok());
  while (next < kCalls) call(next++);
  ASSERT_TRUE(over.WaitFor(kCalls * 3 / 5, absl::Minutes(1)));
  victim.Signal(SIGKILL);
  ASSERT_TRUE(over.WaitFor(kCalls, absl::Minutes(3)));
  EXPECT_EQ(victim.Wait(), 128 + SIGKILL);
  survivor.Signal(SIGTERM);
  EXPECT_EQ(survivor.Wait(), 0);

  const std::lock_guard lock(outcomes.mutex);
  EXPECT_EQ(outcomes.endings.size(), std::size_t{kCalls});
  for (const auto& [n, count] : outcomes.endings) EXPECT_EQ(count, 1) << n;
  EXPECT_EQ(outcomes.wrong, 0);
  EXPECT_EQ(outcomes.may_have_run, 0) << "the survivor answers all";
  EXPECT_GT(outcomes.right_and_redelivered, 0);
  EXPECT_LE(outcomes.right_and_redelivered, MarkingHandler::kWindow);
  RecordFigure("requests delivered twice, server killed",
               absl::StrCat(outcomes.right_and_redelivered),
               absl::StrCat("<= ", MarkingHandler::kWindow, ", its window"));
  EXPECT_EQ(outcomes.right + outcomes.right_and_redelivered, kCalls);
  const auto victims = ReadLog(directory + "/victim");
  const auto survivors = ReadLog(directory + "/survivor");
  EXPECT_FALSE(victims.empty());
  for (const auto& [n, redelivered] : survivors) {
    if (victims.count(n) == 0) continue;
    EXPECT_TRUE(redelivered) << n << " ran twice";
  }
  EXPECT_EQ(plain.Depth(queue), 0u);
}

}  // namespace
}  // namespace rpc::testing
