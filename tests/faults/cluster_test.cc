#include <cstddef>
#include <cstdint>
#include <future>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/faults/cluster_under_load.h"
#include "tests/faults/fault_matrix.h"
#include "tests/faults/paced_client.h"
#include "tests/support/figure.h"
#include "tests/transport/rabbitmq_bench.h"
#include "tests/transport/rabbitmq_probe.h"

namespace rpc::testing {
namespace {

// From when the queue has a leader again. Until then it may take RabbitMQ 6 s
// from when a second node is back: if the log of the one that was there all the
// time is longer, only that one can lead, and it tries every 5 to 6 s.
constexpr absl::Duration kMajorityBack = absl::Seconds(2);

// A user's program, which knows of the broker only what its options say.
absl::StatusOr<std::uint64_t> Ask(RabbitMqOptions transport) {
  FibonacciServer::Options server_options;
  server_options.transport = transport;
  TestServer<FibonacciServer> server(server_options);
  FibonacciClient::Options client_options;
  client_options.transport = std::move(transport);
  auto client = FibonacciClient::Open(client_options);
  if (!client.ok()) return client.status();
  return client->Call(90, {.timeout = absl::Seconds(10)});
}

TEST_F(Cluster, TakesTheProgramThatUsedOneBrokerWithOtherOptions) {
  const std::uint64_t expected = 2880067194370816120;
  RabbitMqOptions one;
  one.url = cluster_->urls()[0];
  one.topology = TutorialQueue("fibonacci");
  EXPECT_EQ(Ask(one).value_or(0), expected);

  RabbitMqOptions three;
  three.url = cluster_->urls()[0];
  three.more_urls = {cluster_->urls()[1], cluster_->urls()[2]};
  three.topology = QuorumQueue("fibonacci.quorum");
  EXPECT_EQ(Ask(three).value_or(0), expected);
}

// A call fails at once if its connection is lost or its request not taken. One
// that ends by its deadline is one whose request, or reply, was lost. Replies
// are lost with the node of the server's connection, unless the server waits
// for the confirm before it acknowledges.
TEST_F(ClusterUnderLoad, LosesNothingWhenItsLeaderIsKilledAgainAndAgain) {
  constexpr int kKills = 3;
  constexpr std::uint64_t kAnswers = 100'000;
  CallLedger all;
  for (int kill = 1; kill <= kKills; ++kill) {
    all.Add(GoesOnWithout(Leader(0), absl::StrCat("leader ", kill)));
  }
  const CallLedger rest = Finish(kAnswers);
  ExpectQuiet(rest);
  all.Add(rest);
  const std::size_t requests = NeverRun(all);
  const std::size_t replies = all.unanswered.size() - requests;
  EXPECT_EQ(requests, 0u);
  EXPECT_EQ(replies, 0u);
  RecordFigure(
      absl::StrCat("requests, replies lost, ", kKills, " leaders killed"),
      absl::StrCat(requests, ", ", replies, " of ", kAnswers), "0, 0");
}

TEST_F(ClusterUnderLoad, GoesOnWhenItsMajorityIsBack) {
  const int leader = Leader(0);
  RowClient client = OpenRowClient(Next(Next(leader)), {});
  MatrixRow row(
      26, "minority only",
      {.code = absl::StatusCode::kDeadlineExceeded, .recovery = kMajorityBack});
  QuietRow("nothing");
  cluster_->Kill(leader);
  cluster_->Kill(Next(leader));
  row.Call(client, kRowArgument);
  auto led = std::async(std::launch::async, [&] {
    return cluster_->AwaitLeader(queue_, Next(Next(leader)));
  });
  ASSERT_TRUE(cluster_->Restart(leader).ok());
  const absl::StatusOr<absl::Time> led_at = led.get();
  ASSERT_TRUE(led_at.ok()) << led_at.status();
  row.Recovers(client, kRowArgument,
               Clock::now() - absl::ToChronoNanoseconds(absl::Now() - *led_at));
  EXPECT_FALSE(Row("two of three killed").failed.empty());
  EXPECT_LE(RecoveredRow("one of them back").last_failure, kMajorityBack);
  Restart(Next(leader));
  QuietRow("the other one back");
  ExpectQuiet(Finish());
}

}  // namespace
}  // namespace rpc::testing
