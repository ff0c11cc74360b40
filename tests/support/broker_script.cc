#include "tests/support/broker_script.h"

#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_join.h"
#include "tests/support/runfiles.h"
#include "tests/support/subprocess.h"

namespace rpc::testing {

absl::StatusOr<std::string> RunBrokerScript(std::vector<std::string> command) {
  command[0] = Runfile(command[0]);
  Finished finished = RunToEnd(command);
  if (finished.exit_code != 0) {
    return absl::InternalError(absl::StrJoin(command, " ") + ": exit code " +
                               std::to_string(finished.exit_code) + "\n" +
                               finished.output);
  }
  return std::move(finished.output);
}

std::string RecordedByScript(const std::string& directory,
                             const std::string& name) {
  std::ifstream env(directory + "/env");
  std::string line;
  while (std::getline(env, line)) {
    if (line.rfind(name + "=", 0) == 0) return line.substr(name.size() + 1);
  }
  return "";
}

}  // namespace rpc::testing
