#include "tests/support/private_cluster.h"

#include <sys/types.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/support/broker_script.h"
#include "tests/support/freeze.h"
#include "tests/support/runfiles.h"

namespace rpc::testing {
namespace {

constexpr char kScript[] = "tests/support/private_cluster";

// An expression of Erlang's: that of a quorum queue's members, and its leader.
std::string LookUp(const std::string& queue) {
  return absl::StrCat(
      "{ok, Q} = rabbit_amqqueue:lookup({resource, <<\"/\">>, queue, <<\"",
      queue, "\">>}), {Name, Node} = amqqueue:get_pid(Q), ");
}

// Another one: asks every 20 ms until the answer matches `pattern`, and has
// then that value.
std::string Poll(const std::string& question, const std::string& pattern,
                 const std::string& value) {
  return absl::StrCat("Ask = fun Again() -> case catch ", question, " of ",
                      pattern, " -> ", value,
                      "; _ -> timer:sleep(20), Again() end end, Ask().");
}

}  // namespace

absl::StatusOr<std::unique_ptr<PrivateCluster>> PrivateCluster::Start() {
  auto cluster = std::unique_ptr<PrivateCluster>(
      new PrivateCluster(NewTestDirectory() + "/cluster"));
  const auto started = RunBrokerScript({kScript, "start", cluster->directory_,
                                        "--while", std::to_string(getpid())});
  if (!started.ok()) return started.status();
  for (int node = 0; node < kNodes; ++node) {
    cluster->urls_.push_back(
        RecordedByScript(cluster->NodeDirectory(node), "RPC_TEST_BROKER_URL"));
  }
  return cluster;
}

PrivateCluster::~PrivateCluster() {
  if (!urls_.empty()) {
    RunBrokerScript({kScript, "stop", directory_}).IgnoreError();
  }
}

void PrivateCluster::Kill(int node) const {
  const pid_t process = Process(node);
  if (process > 0) kill(process, SIGKILL);
}
absl::Status PrivateCluster::Freeze(int node) const {
  return testing::Freeze(Process(node));
}
void PrivateCluster::Thaw(int node) const { testing::Thaw(Process(node)); }

absl::Status PrivateCluster::Restart(int node) {
  return RunBrokerScript(
             {kScript, "restart", directory_, std::to_string(node + 1)})
      .status();
}

absl::StatusOr<int> PrivateCluster::Leader(const std::string& queue,
                                           int asked) const {
  const auto leader =
      Ctl(asked, {"eval", absl::StrCat(LookUp(queue), "Node.")});
  if (!leader.ok()) return leader.status();
  // As in rpc2@localhost or 'rpc2@localhost'.
  const std::size_t name = leader->find("rpc");
  const int node =
      name == std::string::npos ? 0 : std::atoi(leader->c_str() + name + 3);
  if (node < 1 || node > kNodes) {
    return absl::InternalError(
        absl::StrCat("no leader of ", queue, ": ", *leader));
  }
  return node - 1;
}

absl::StatusOr<absl::Time> PrivateCluster::AwaitLeader(const std::string& queue,
                                                       int asked) const {
  // Such a query is answered by a leader that has a majority.
  const auto answered =
      Ctl(asked,
          {"eval", LookUp(queue) +
                       Poll("ra:consistent_query({Name, node()}, fun(_) -> ok "
                            "end, 200)",
                            "{ok, _, _}", "erlang:system_time(microsecond)")});
  if (!answered.ok()) return answered.status();
  std::int64_t at = 0;
  if (!absl::SimpleAtoi(*answered, &at)) {
    return absl::InternalError(absl::StrCat("eval printed ", *answered));
  }
  return absl::FromUnixMicros(at);
}

absl::Status PrivateCluster::AwaitMember(const std::string& queue,
                                         int node) const {
  return Ctl(node,
             {"eval", LookUp(queue) + Poll("ra_leaderboard:lookup_leader(Name)",
                                           "{_, _}", "ok")})
      .status();
}

absl::StatusOr<std::string> PrivateCluster::Ctl(
    int node, const std::vector<std::string>& arguments) const {
  std::vector<std::string> words = {kScript, "ctl", directory_,
                                    std::to_string(node + 1)};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return RunBrokerScript(words);
}

std::string PrivateCluster::NodeDirectory(int node) const {
  return absl::StrCat(directory_, "/", node + 1);
}

pid_t PrivateCluster::Process(int node) const {
  return std::atoi(
      RecordedByScript(NodeDirectory(node), "RPC_TEST_BROKER_PID").c_str());
}

}  // namespace rpc::testing
