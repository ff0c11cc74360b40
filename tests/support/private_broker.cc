#include "tests/support/private_broker.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_join.h"
#include "tests/support/runfiles.h"
#include "tests/support/subprocess.h"

namespace rpc::testing {
namespace {

std::string Script() { return Runfile("tests/support/private_broker"); }

std::string Recorded(const std::string& directory, const std::string& name) {
  std::ifstream env(directory + "/env");
  std::string line;
  while (std::getline(env, line)) {
    if (line.rfind(name + "=", 0) == 0) return line.substr(name.size() + 1);
  }
  return "";
}

absl::StatusOr<std::string> RunScript(const std::vector<std::string>& words) {
  std::vector<std::string> command = {Script()};
  command.insert(command.end(), words.begin(), words.end());
  Finished finished = RunToEnd(command);
  if (finished.exit_code != 0) {
    return absl::InternalError(absl::StrJoin(command, " ") + ": exit code " +
                               std::to_string(finished.exit_code) + "\n" +
                               finished.output);
  }
  return std::move(finished.output);
}

}  // namespace

absl::StatusOr<std::unique_ptr<PrivateBroker>> PrivateBroker::Start(
    const PrivateBrokerOptions& options) {
  auto broker = std::unique_ptr<PrivateBroker>(
      new PrivateBroker(NewTestDirectory() + "/broker"));
  const std::string& directory = broker->directory_;
  std::vector<std::string> words = {"start", directory, "--while",
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
  absl::StatusOr<std::string> started = RunScript(words);
  if (!started.ok()) return started.status();
  broker->url_ = Recorded(directory, "RPC_TEST_BROKER_URL");
  broker->pid_ = std::atoi(Recorded(directory, "RPC_TEST_BROKER_PID").c_str());
  return broker;
}

PrivateBroker::~PrivateBroker() {
  if (pid_ != 0) RunToEnd({Script(), "stop", directory_});
}

int PrivateBroker::port() const {
  return std::atoi(url_.substr(url_.rfind(':') + 1).c_str());
}

absl::StatusOr<std::string> PrivateBroker::Ctl(
    const std::vector<std::string>& arguments) const {
  std::vector<std::string> words = {"ctl", directory_};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return RunScript(words);
}

}  // namespace rpc::testing
