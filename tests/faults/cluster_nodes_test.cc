#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/faults/cluster_under_load.h"
#include "tests/faults/paced_client.h"

// What a cluster's queue hardly notices, and what it needs longest for.

namespace rpc::testing {
namespace {

using ::testing::IsEmpty;

// After a node fell silent. The others give it up after net_ticktime and at
// most a quarter of it (6 s), and elect a leader at most 5 s later. Whoever
// publishes on a new channel before is not served on it, and leaves it in 2 s.
constexpr absl::Duration kSilentPeer = absl::Seconds(15);
// After a node was asked to end, which takes it some seconds.
constexpr absl::Duration kRestart = absl::Seconds(10);

TEST_F(ClusterUnderLoad, GoesOnWithoutAFollower) {
  GoesOnWithout(Next(Leader(0)), "follower");
  ExpectQuiet(Finish());
}

TEST_F(ClusterUnderLoad, GoesOnWhileItsNodesAreRestarted) {
  QuietRow("nothing");
  for (int node = 0; node < PrivateCluster::kNodes; ++node) {
    Restart(node);
    const CallLedger restarted =
        RecoveredRow(absl::StrCat("node ", node, " restarted"));
    EXPECT_LE(restarted.last_failure, kRestart);
    EXPECT_THAT(restarted.unanswered, IsEmpty());
  }
  ExpectQuiet(Finish());
}

// Last: the thawed node's way back into the cluster can take a minute.
TEST_F(ClusterUnderLoad, GoesOnWhenItsLeaderIsSilent) {
  const int leader = Leader(0);
  QuietRow("nothing");
  ASSERT_TRUE(cluster_->Freeze(leader).ok());
  const CallLedger frozen = RecoveredRow("leader frozen");
  EXPECT_LE(frozen.first_answer, kSilentPeer);
  EXPECT_LE(frozen.last_failure, kSilentPeer);
  ExpectServing(leader, kSilentPeer);
  cluster_->Thaw(leader);
  EXPECT_LE(RecoveredRow("leader thawed").first_answer, kSilentPeer);
  Finish();
}

}  // namespace
}  // namespace rpc::testing
