#ifndef RPC_TESTS_SUPPORT_BROKER_SCRIPT_H_
#define RPC_TESTS_SUPPORT_BROKER_SCRIPT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

// What private_broker and private_cluster have in common.
namespace rpc::testing {

// What a script printed. `command` is its path in this repository and its
// arguments. INTERNAL with its words if it failed.
absl::StatusOr<std::string> RunBrokerScript(std::vector<std::string> command);

// What `directory`/env, as a script leaves it, says of `name`; empty if
// nothing.
std::string RecordedByScript(const std::string& directory,
                             const std::string& name);

}  // namespace rpc::testing

#endif  // RPC_TESTS_SUPPORT_BROKER_SCRIPT_H_
