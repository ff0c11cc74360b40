#include "tests/support/freeze.h"

#include <sys/types.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <thread>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace rpc::testing {
namespace {

// As in proc(5): the state follows the name, which stands in parentheses and
// may contain any character.
bool StandsStill(const std::filesystem::path& thread) {
  std::ifstream file(thread / "stat");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::size_t name_end = text.rfind(')');
  // A thread that has ended meanwhile stands still, too.
  if (name_end == std::string::npos || name_end + 2 >= text.size()) return true;
  return std::string("TtZX").find(text[name_end + 2]) != std::string::npos;
}

bool AllStandStill(pid_t process) {
  std::error_code error;
  const std::filesystem::directory_iterator threads(
      absl::StrCat("/proc/", process, "/task"), error);
  for (const auto& thread : threads) {
    if (!StandsStill(thread.path())) return false;
  }
  return true;
}

}  // namespace

absl::Status Freeze(pid_t process) {
  if (process <= 0 || kill(process, SIGSTOP) != 0) {
    return absl::InternalError(absl::StrCat(
        "process ", process, " cannot be stopped: ", std::strerror(errno)));
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!AllStandStill(process)) {
    if (std::chrono::steady_clock::now() > end) {
      return absl::InternalError(
          absl::StrCat("process ", process, " still runs 10 s after SIGSTOP"));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return absl::OkStatus();
}

void Thaw(pid_t process) {
  if (process > 0) kill(process, SIGCONT);
}

}  // namespace rpc::testing
