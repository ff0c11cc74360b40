#include "tests/support/runfiles.h"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

namespace rpc::testing {
namespace {

std::string Environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

}  // namespace

std::string Runfile(std::string_view path) {
  std::filesystem::path root = Environment("TEST_SRCDIR", "");
  // Where a repository's files are under TEST_SRCDIR depends on whether
  // MODULE.bazel ("_main") or WORKSPACE (its name) is in use.
  if (!root.empty()) root /= Environment("TEST_WORKSPACE", "_main");
  return std::filesystem::absolute(root / path).string();
}

std::string NewTestDirectory() {
  std::string pattern = Environment("TEST_TMPDIR", "/tmp") + "/rpc.XXXXXX";
  const char* made = mkdtemp(pattern.data());
  return made == nullptr ? std::string() : std::string(made);
}

}  // namespace rpc::testing
