#include "tests/support/private_cluster.h"

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/runfiles.h"
#include "tests/support/subprocess.h"

namespace rpc::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

// How many members of the cluster are there for `asked`.
std::string Running(const PrivateCluster& cluster, int asked) {
  return cluster.Ctl(asked, {"eval", "length(rabbit_nodes:all_running())."})
      .value_or("none answers");
}

absl::Status DeclareQuorumQueue(const PrivateCluster& cluster, int node) {
  return cluster
      .Ctl(node,
           {"eval",
            "{new, _} = rabbit_amqqueue:declare({resource, <<\"/\">>, queue, "
            "<<\"votes\">>}, true, false, [{<<\"x-queue-type\">>, longstr, "
            "<<\"quorum\">>}], none, <<\"guest\">>)."})
      .status();
}

TEST(PrivateCluster, OutlivesANodeAndTakesItBack) {
  auto cluster = PrivateCluster::Start();
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  ASSERT_THAT((*cluster)->urls(), SizeIs(PrivateCluster::kNodes));
  EXPECT_THAT((*cluster)->urls()[2], HasSubstr("amqp://guest:guest@127.0.0.1"));
  EXPECT_EQ(Running(**cluster, 2), "3\n");

  const absl::Status declared = DeclareQuorumQueue(**cluster, 1);
  ASSERT_TRUE(declared.ok()) << declared;
  auto leader = (*cluster)->Leader("votes", 0);
  ASSERT_TRUE(leader.ok()) << leader.status();
  EXPECT_EQ(*leader, 1) << "it is where it was declared";

  (*cluster)->Kill(1);
  const absl::Status restarted = (*cluster)->Restart(1);
  ASSERT_TRUE(restarted.ok()) << restarted;
  EXPECT_EQ(Running(**cluster, 1), "3\n");
  leader = (*cluster)->Leader("votes", 1);
  ASSERT_TRUE(leader.ok()) << leader.status();
  EXPECT_NE(*leader, 1);
  const absl::Status member = (*cluster)->AwaitMember("votes", 1);
  EXPECT_TRUE(member.ok()) << member;
  (*cluster)->Kill(*leader);
  // The majority is that of the member that came back.
  EXPECT_TRUE((*cluster)->AwaitLeader("votes", 1).ok());

  ASSERT_TRUE((*cluster)->Freeze(1).ok());
  EXPECT_FALSE((*cluster)->Leader("no_such_queue", 2 - *leader).ok());
  // Its end is not held up by the one that is frozen.
}

TEST(PrivateCluster, WrongUsageIsExitCodeTwo) {
  const std::string script = Runfile("tests/support/private_cluster");
  EXPECT_EQ(RunToEnd({script}).exit_code, 2);
  EXPECT_EQ(RunToEnd({script, "start"}).exit_code, 2);
  EXPECT_EQ(RunToEnd({script, "restart", "/tmp/unused"}).exit_code, 2);
  EXPECT_EQ(RunToEnd({script, "ctl", "/tmp/unused", "1"}).exit_code, 2);
  EXPECT_EQ(RunToEnd({script, "stop", "/tmp/unused"}).exit_code, 1);
  const Finished help = RunToEnd({script, "--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.output, HasSubstr("Usage: private_cluster start DIR"));
}

}  // namespace
}  // namespace rpc::testing
