#ifndef RPC_TESTS_EXAMPLES_PROGRAM_H_
#define RPC_TESTS_EXAMPLES_PROGRAM_H_

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/runfiles.h"
#include "tests/support/subprocess.h"

namespace rpc::testing {

// The command line of an example with that name.
inline std::vector<std::string> Command(
    const std::string& example, const std::vector<std::string>& arguments) {
  std::vector<std::string> command = {Runfile("examples/" + example)};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return command;
}

// Runs an example to its end.
inline Finished RunExample(const std::string& example,
                           const std::vector<std::string>& arguments = {}) {
  return RunToEnd(Command(example, arguments));
}

// A name that no other test, process or run has.
inline std::string UniqueQueue(const std::string& what) {
  return "examples." + what + "." + std::to_string(getpid()) + "." +
         std::to_string(std::random_device()());
}

// An example that runs beside the test, whose output can be waited for. It is
// killed if it still runs at the end. Thread-compatible.
class Program {
 public:
  Program(const std::string& example,
          const std::vector<std::string>& arguments) {
    const std::string directory = NewTestDirectory();
    const std::string pipe = directory + "/output";
    if (mkfifo(pipe.c_str(), 0600) != 0) ADD_FAILURE() << "no pipe " << pipe;
    output_end_ = open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    // While it is open, the pipe has not come to its end.
    const int writer = open(pipe.c_str(), O_WRONLY | O_CLOEXEC);
    process_ = std::make_unique<Subprocess>(Command(example, arguments), pipe);
    // posix_spawn returned when the program had opened its end.
    close(writer);
    std::filesystem::remove_all(directory);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() {
    process_.reset();
    close(output_end_);
  }

  // Reads on until the output contains `text`; false if it ends without, or
  // does not in 30 s.
  bool WaitFor(std::string_view text) {
    const auto patience =
        std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (output_.find(text) == std::string::npos) {
      if (!ReadMore(patience)) return false;
    }
    return true;
  }

  void Signal(int signal) const { process_->Signal(signal); }
  pid_t pid() const { return process_->pid(); }

  // Reads to the end, and waits for the program's. It is killed if there is no
  // end within a minute.
  Finished Wait() {
    const auto patience =
        std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (ReadMore(patience)) {
    }
    if (!ended_) process_->Signal(SIGKILL);
    return {process_->Wait(), output_};
  }

  // What was read so far.
  const std::string& output() const { return output_; }

 private:
  // False at the end, or when the time is over.
  bool ReadMore(std::chrono::steady_clock::time_point patience) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        patience - std::chrono::steady_clock::now());
    pollfd readable = {output_end_, POLLIN, 0};
    if (poll(&readable, 1, static_cast<int>(std::max<long>(left.count(), 0))) <=
        0) {
      return false;
    }
    char buffer[4096];
    const ssize_t size = read(output_end_, buffer, sizeof(buffer));
    ended_ = size == 0;
    if (size <= 0) return false;
    output_.append(buffer, static_cast<std::size_t>(size));
    return true;
  }

  int output_end_ = -1;
  bool ended_ = false;
  std::string output_;
  std::unique_ptr<Subprocess> process_;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_EXAMPLES_PROGRAM_H_
