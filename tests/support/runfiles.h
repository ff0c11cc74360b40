#ifndef RPC_TESTS_SUPPORT_RUNFILES_H_
#define RPC_TESTS_SUPPORT_RUNFILES_H_

#include <string>
#include <string_view>

namespace rpc::testing {

// Where a file of this repository that is among a test's `data` is now;
// `path` begins at the repository's root, as in "rpc/FLOORS". Outside of Bazel
// the working directory is taken for the root.
std::string Runfile(std::string_view path);

// A new directory of the test's own, gone when Bazel clears up after the test.
std::string NewTestDirectory();

}  // namespace rpc::testing

#endif  // RPC_TESTS_SUPPORT_RUNFILES_H_
