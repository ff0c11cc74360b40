#ifndef RPC_TESTS_FAULTS_CLUSTER_UNDER_LOAD_H_
#define RPC_TESTS_FAULTS_CLUSTER_UNDER_LOAD_H_

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/endpoint.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/faults/fault_matrix.h"
#include "tests/faults/marking_handler.h"
#include "tests/faults/marks.h"
#include "tests/faults/paced_client.h"
#include "tests/faults/repeated_calls.h"
#include "tests/faults/stall_witness.h"
#include "tests/support/broker.h"
#include "tests/support/private_cluster.h"
#include "tests/support/runfiles.h"
#include "tests/support/subprocess.h"
#include "tests/transport/rabbitmq_bench.h"
#include "tests/transport/rabbitmq_probe.h"

namespace rpc::testing {

using MarkingEndpoint =
    RpcEndpoint<RabbitMqTransport, DecimalSerializer, MarkingHandler>;

// Those of the matrix's rows may be made more than once.
using RowClient =
    RpcEndpoint<RabbitMqTransport, DecimalSerializer,
                Method<"mark", std::uint64_t(std::uint64_t), Idempotent::kYes>>;

// Three nodes, and what they are used with.
class Cluster : public FaultMatrix {
 protected:
  static constexpr absl::Duration kHeartbeat = absl::Seconds(2);

  static void SetUpTestSuite() {
    if (cluster_ != nullptr) return;
    auto cluster = PrivateCluster::Start();
    if (!cluster.ok()) {
      std::printf("%s\n", cluster.status().ToString().c_str());
      return;
    }
    cluster_ = *std::move(cluster);
  }
  void SetUp() override { ASSERT_NE(cluster_, nullptr) << "did not start"; }

  // All urls, beginning with that of `node`.
  static std::vector<std::string> UrlsFrom(int node) {
    std::vector<std::string> urls;
    for (int i = 0; i < PrivateCluster::kNodes; ++i) {
      urls.push_back(
          cluster_->urls()[static_cast<std::size_t>(node + i) %
                           static_cast<std::size_t>(PrivateCluster::kNodes)]);
    }
    return urls;
  }

  template <typename Endpoint>
  typename Endpoint::Options InCluster(int first_node) const {
    const std::vector<std::string> urls = UrlsFrom(first_node);
    typename Endpoint::Options options;
    options.transport.url = urls.front();
    options.transport.more_urls.assign(urls.begin() + 1, urls.end());
    options.transport.topology = QuorumQueue(queue_);
    options.transport.heartbeat = kHeartbeat;
    return options;
  }

  // One for all suites, since it takes long to start.
  inline static std::unique_ptr<PrivateCluster> cluster_;
  const std::string queue_ = UniqueName("cluster");
};

// Three servers here and one in a process of its own, and three clients, each
// at first on a node of its own, which call all the time while a test does
// something to the nodes. Prints what they went through.
class ClusterUnderLoad : public Cluster {
 protected:
  // Those that a test makes, unless it says otherwise.
  static constexpr std::uint64_t kCalls = 5'000;
  // Of a row's calls, which are not among those that are accounted for.
  static constexpr std::uint64_t kRowArgument = 5'000'000'000'000;
  // How long after its deadline a call may end, beside what the machine adds.
  static constexpr absl::Duration kLateness = absl::Milliseconds(100);
  // After a node was killed.
  static constexpr absl::Duration kRecovery = absl::Seconds(2);

  void SetUp() override {
    Cluster::SetUp();
    if (HasFatalFailure()) return;
    AwaitNodes(0);
    const std::string directory = NewTestDirectory();
    for (int node = 0; node < PrivateCluster::kNodes; ++node) {
      const std::string log = absl::StrCat(directory, "/", node);
      marks_.emplace_back(log);
      auto options = InCluster<MarkingEndpoint>(node);
      options.transport.guarantee = DeliveryGuarantee::kAtLeastOnceConfirmed;
      servers_.emplace_back(options, MarkingHandler(log));
    }
    const std::string log = directory + "/process";
    marks_.emplace_back(log);
    process_ = std::make_unique<Subprocess>(std::vector<std::string>{
        Runfile("tests/faults/marking_server"), absl::StrJoin(UrlsFrom(0), ","),
        queue_, log, "quorum"});
    OpenClients({});
    ASSERT_TRUE(AllAnswered());
    std::printf("%-30s %7s %7s %9s %12s %7s %7s  %s\n", "what happened",
                "calls", "ok", "answer", "last failure", "late", "not run",
                "failed");
    witness_.Restart();
  }

  void OpenClients(Pace pace) {
    clients_.clear();
    for (int node = 0; node < PrivateCluster::kNodes; ++node) {
      clients_.push_back(std::make_unique<PacedClient>(
          InCluster<PacedClient::Client>(node), &work_, pace));
    }
  }

  // A client beside the load, at first on `node`, which has been served once.
  RowClient OpenRowClient(int node, const RetryPolicy& retry) {
    auto options = InCluster<RowClient>(node);
    options.retry = retry;
    auto client = RowClient::Open(options);
    EXPECT_TRUE(client.ok()) << client.status();
    EXPECT_TRUE(client->Call(kRowArgument).ok());
    return *std::move(client);
  }

  int Leader(int asked) {
    const auto leader = cluster_->Leader(queue_, asked);
    EXPECT_TRUE(leader.ok()) << leader.status();
    return leader.value_or(0);
  }
  static int Next(int node) { return (node + 1) % PrivateCluster::kNodes; }

  // All calls made since the last row. The next row counts from now.
  CallLedger Row(const std::string& name) {
    for (auto& client : clients_) client->Mark();
    std::vector<CallLedger> rows;
    for (auto& client : clients_) rows.push_back(client->Closed());
    CallLedger sum = rows.front();
    for (std::size_t i = 1; i < rows.size(); ++i) sum.Add(rows[i]);
    ReadMarks();
    Print(name, sum);
    for (std::size_t i = 0; i < rows.size() && !sum.failed.empty(); ++i) {
      Print(absl::StrCat("  client ", i), rows[i]);
    }
    EXPECT_EQ(sum.wrong, 0) << name;
    EXPECT_LE(sum.latest, kLateness + witness_.added())
        << name << "; a mere timer was late by " << witness_.longest();
    witness_.Restart();
    return sum;
  }
  // For when no call has reason to fail.
  void QuietRow(const std::string& name) { ExpectQuiet(Row(name)); }
  static void ExpectQuiet(const CallLedger& row) {
    EXPECT_EQ(row.ok, row.calls);
  }
  // Every client is served again, for some time.
  CallLedger RecoveredRow(const std::string& name) {
    EXPECT_TRUE(AllAnswered()) << name;
    return Row(name);
  }

  // Each client gets answers to calls that it made since the last row.
  bool AllAnswered() {
    return std::all_of(clients_.begin(), clients_.end(), [](auto& client) {
      return client->WaitForAnswers(300, absl::Seconds(30));
    });
  }

  // Of the server that was on `node` at first.
  const Tally& Servings(int node) const {
    return servers_[static_cast<std::size_t>(node)].servings();
  }
  // It has found another one.
  void ExpectServing(int node, absl::Duration patience) {
    EXPECT_TRUE(Servings(node).WaitFor(2, patience))
        << "the server that was on node " << node;
  }

  void Restart(int node) {
    const absl::Status restarted = cluster_->Restart(node);
    ASSERT_TRUE(restarted.ok()) << restarted;
    AwaitNodes(node);
    const absl::Status member = cluster_->AwaitMember(queue_, node);
    ASSERT_TRUE(member.ok()) << member;
  }
  // The cluster is whole, as `asked` sees it.
  void AwaitNodes(int asked) {
    const auto whole =
        cluster_->Ctl(asked, {"await_online_nodes", "3", "--timeout", "60"});
    ASSERT_TRUE(whole.ok()) << whole.status();
  }

  // `node` is killed, and comes back. Returns how its calls went.
  CallLedger GoesOnWithout(int node, const std::string& role) {
    RowClient client = OpenRowClient(
        node, {.max_attempts = 10, .attempt_timeout = absl::Seconds(1)});
    MatrixRow row(25, absl::StrCat("quorum ", role, " killed, client retries"),
                  {.timeout = absl::Seconds(10), .recovery = kRecovery});
    const bool has_server = Servings(node).count() == 1;
    QuietRow("nothing");
    const TimePoint from = Clock::now();
    cluster_->Kill(node);
    row.Call(client, kRowArgument);
    row.Recovers(client, kRowArgument, from);
    if (has_server) ExpectServing(node, kRecovery);
    const CallLedger killed = RecoveredRow(role + " killed");
    EXPECT_LE(killed.first_answer, kRecovery);
    EXPECT_LE(killed.last_failure, kRecovery);
    Restart(node);
    QuietRow(role + " back");
    return killed;
  }

  // Of the calls of a row that ended by their deadlines, those that no server
  // ever had: the others ran, and their replies were lost.
  std::size_t NeverRun(const CallLedger& row) const {
    return static_cast<std::size_t>(std::count_if(
        row.unanswered.begin(), row.unanswered.end(),
        [&](std::uint64_t argument) { return !runs_.contains(argument); }));
  }

  // Lets the clients call until so many calls are answered, and accounts for
  // each. Returns how it went meanwhile.
  CallLedger Finish(std::uint64_t calls = kCalls) {
    for (auto& client : clients_) client->Stop();
    work_.Close(calls);
    OpenClients({.tick = absl::Milliseconds(1), .calls_per_tick = 200});
    EXPECT_TRUE(work_.WaitUntilAnswered(absl::Seconds(60)));
    for (auto& client : clients_) client->Stop();
    CallLedger rest = Row("the rest");
    for (auto& server : servers_) EXPECT_EQ(server.Stop(), absl::OkStatus());
    process_->Signal(SIGTERM);
    EXPECT_EQ(process_->Wait(), 0);
    Account(calls);
    return rest;
  }

 private:
  void Print(const std::string& name, const CallLedger& row) {
    std::string failed;
    for (const auto& [code, count] : row.failed) {
      absl::StrAppend(&failed, " ", absl::StatusCodeToString(code), " ", count);
    }
    if (!row.unanswered.empty()) {
      absl::StrAppend(&failed, ", of which ",
                      row.unanswered.size() - NeverRun(row), " ran");
    }
    std::printf("%-30s %7d %7d %7.0f ms %9.0f ms %4.0f ms %7d %s\n",
                name.c_str(), row.calls, row.ok,
                absl::ToDoubleMilliseconds(row.first_answer),
                absl::ToDoubleMilliseconds(row.last_failure),
                absl::ToDoubleMilliseconds(row.latest), row.failed_and_not_run,
                failed.c_str());
    std::fflush(stdout);
  }

  void ReadMarks() {
    for (MarkReader& marks : marks_) {
      for (const Mark& mark : marks.ReadNew()) ++runs_[mark.argument];
    }
  }

  void Account(std::uint64_t calls) {
    EXPECT_GE(work_.answered(), calls);
    EXPECT_EQ(work_.endings().size(), work_.begun());
    for (const auto& [argument, count] : work_.endings()) {
      EXPECT_EQ(count, 1) << argument << " did not end once";
    }
    ReadMarks();
    const auto ran_twice =
        std::count_if(runs_.begin(), runs_.end(),
                      [](const auto& run) { return run.second > 1; });
    std::printf("%zu calls for %zu answers; %td ran more than once\n",
                work_.begun(), work_.answered(), ran_twice);
    for (const std::uint64_t argument : work_.not_run()) {
      EXPECT_EQ(runs_.count(argument), 0u)
          << argument << " ran, though its status said that it did not";
    }
    EXPECT_GE(runs_.size(), work_.answered());
  }

  // Of the time since the row before was closed. The deadlines of a row's calls
  // are in it.
  StallWitness witness_;
  RepeatedCalls work_;
  std::vector<MarkReader> marks_;
  // How often each argument ran, as far as the marks are read.
  std::unordered_map<std::uint64_t, int> runs_;
  std::deque<TestServer<MarkingEndpoint>> servers_;
  std::unique_ptr<Subprocess> process_;
  std::vector<std::unique_ptr<PacedClient>> clients_;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_FAULTS_CLUSTER_UNDER_LOAD_H_
