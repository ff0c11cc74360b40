#ifndef RPC_TESTS_SUPPORT_PRIVATE_BROKER_H_
#define RPC_TESTS_SUPPORT_PRIVATE_BROKER_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace rpc::testing {

struct PrivateBrokerOptions {
  // Appended to the broker's rabbitmq.conf.
  //
  // If empty: only the script's own lines.
  std::string config = {};

  // Plugins to enable.
  //
  // Default: none.
  std::vector<std::string> plugins = {};
};

// A RabbitMQ node of a test's own, for a test that kills, freezes or restarts
// it, on loopback and free ports. It lives as long as this object. A test that
// only needs some broker takes BrokerUrl() instead: a node takes seconds to
// start. Thread-compatible.
class PrivateBroker {
 public:
  // Returns when the broker takes connections. INTERNAL, with the words of the
  // broker, if it does not start: a test fails then, and is not skipped.
  static absl::StatusOr<std::unique_ptr<PrivateBroker>> Start(
      const PrivateBrokerOptions& options = {});

  PrivateBroker(const PrivateBroker&) = delete;
  PrivateBroker& operator=(const PrivateBroker&) = delete;

  // Ends the node and its port mapper, also when it was stopped by a signal.
  ~PrivateBroker();

  // As in "amqp://guest:guest@127.0.0.1:23456".
  const std::string& url() const { return url_; }
  int port() const;

  // The node's process, for kill(2). Another one after each restart.
  pid_t pid() const { return pid_; }

  // Starts it again, with its port and its files, and returns when it takes
  // connections; ends it first, in good order, if it still runs. INTERNAL, with
  // its words, if it does not start.
  absl::Status Restart();

  // Runs `rabbitmqctl arguments...` against this broker and returns what it
  // printed; INTERNAL with its words if it failed.
  absl::StatusOr<std::string> Ctl(
      const std::vector<std::string>& arguments) const;

 private:
  explicit PrivateBroker(std::string directory)
      : directory_(std::move(directory)) {}
  void ReadPid();

  std::string directory_;
  std::string url_;
  pid_t pid_ = 0;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_SUPPORT_PRIVATE_BROKER_H_
