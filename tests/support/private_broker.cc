#include "tests/support/private_broker.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_join.h"
#include "tests/support/broker_script.h"
#include "tests/support/runfiles.h"

namespace rpc::testing {
namespace {

constexpr char kScript[] = "tests/support/private_broker";

}  // namespace

absl::StatusOr<std::unique_ptr<PrivateBroker>> PrivateBroker::Start(
    const PrivateBrokerOptions& options) {
  auto broker = std::unique_ptr<PrivateBroker>(
      new PrivateBroker(NewTestDirectory() + "/broker"));
  const std::string& directory = broker->directory_;
  std::vector<std::string> words = {kScript, "start", directory, "--while",
                                    std::to_string(getpid())};
  if (!options.config.empty()) {
    const std::string path = directory + ".conf";
    std::ofstream(path) << options.config << "\n";
    words.insert(words.end(), {"--config", path});
  }
  if (!options.plugins.empty()) {
    words.insert(words.end(),
                 {"--plugins", absl::StrJoin(options.plugins, ",")});
  }
  absl::StatusOr<std::string> started = RunBrokerScript(words);
  if (!started.ok()) return started.status();
  broker->url_ = RecordedByScript(directory, "RPC_TEST_BROKER_URL");
  broker->ReadPid();
  return broker;
}

PrivateBroker::~PrivateBroker() {
  if (pid_ != 0) RunBrokerScript({kScript, "stop", directory_}).IgnoreError();
}

absl::Status PrivateBroker::Restart() {
  const absl::Status status =
      RunBrokerScript({kScript, "restart", directory_}).status();
  ReadPid();
  return status;
}

void PrivateBroker::ReadPid() {
  pid_ = std::atoi(RecordedByScript(directory_, "RPC_TEST_BROKER_PID").c_str());
}

int PrivateBroker::port() const {
  return std::atoi(url_.substr(url_.rfind(':') + 1).c_str());
}

absl::StatusOr<std::string> PrivateBroker::Ctl(
    const std::vector<std::string>& arguments) const {
  std::vector<std::string> words = {kScript, "ctl", directory_};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return RunBrokerScript(words);
}

}  // namespace rpc::testing
