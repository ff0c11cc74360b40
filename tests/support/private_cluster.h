#ifndef RPC_TESTS_SUPPORT_PRIVATE_CLUSTER_H_
#define RPC_TESTS_SUPPORT_PRIVATE_CLUSTER_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace rpc::testing {

// Three RabbitMQ nodes of a test's own that are one cluster, on loopback and
// free ports; they live as long as this object. Nodes are called by their index
// in urls(). A network partition is healed by itself (`autoheal`), and a silent
// node is given up by the others after about 5 s (`net_ticktime`).
// Thread-compatible.
class PrivateCluster {
 public:
  static constexpr int kNodes = 3;

  // Returns when all nodes take connections. INTERNAL, with their words, if
  // they do not start: a test fails then, and is not skipped.
  static absl::StatusOr<std::unique_ptr<PrivateCluster>> Start();

  PrivateCluster(const PrivateCluster&) = delete;
  PrivateCluster& operator=(const PrivateCluster&) = delete;

  // Kills the nodes and ends their port mapper.
  ~PrivateCluster();

  // As in "amqp://guest:guest@127.0.0.1:23456".
  const std::vector<std::string>& urls() const { return urls_; }

  // As a machine that loses its power. Does not wait for what follows.
  void Kill(int node) const;
  // It keeps its connections and says nothing any more.
  absl::Status Freeze(int node) const;
  void Thaw(int node) const;
  // Starts it again, with its port and its files, and returns when it takes
  // connections; ends it first, in good order, if it still runs. INTERNAL, with
  // its words, if it does not start.
  absl::Status Restart(int node);

  // The node that leads a quorum queue of the vhost "/". `asked` is the node
  // that is asked, which has to run.
  absl::StatusOr<int> Leader(const std::string& queue, int asked) const;

  // Waits until a majority of the queue's members follows a leader, as node
  // `asked` finds out, which has to run, and returns when that was.
  absl::StatusOr<absl::Time> AwaitLeader(const std::string& queue,
                                         int asked) const;

  // Waits until the queue's member on `node`, which was restarted, follows its
  // leader. RabbitMQ's leaders look for it every 5 s; until then it counts for
  // no majority, though the node is there.
  absl::Status AwaitMember(const std::string& queue, int node) const;

  // Runs `rabbitmqctl arguments...` against a node and returns what it printed;
  // INTERNAL with its words if it failed.
  absl::StatusOr<std::string> Ctl(
      int node, const std::vector<std::string>& arguments) const;

 private:
  explicit PrivateCluster(std::string directory)
      : directory_(std::move(directory)) {}

  // Of node `node`.
  std::string NodeDirectory(int node) const;
  // 0 if it runs no more. Another one after each restart.
  pid_t Process(int node) const;

  std::string directory_;
  std::vector<std::string> urls_;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_SUPPORT_PRIVATE_CLUSTER_H_
