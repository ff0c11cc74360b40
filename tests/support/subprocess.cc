#include "tests/support/subprocess.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <vector>

extern char** environ;

namespace rpc::testing {
namespace {

pid_t Spawn(const std::vector<std::string>& arguments,
            const posix_spawn_file_actions_t* actions) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  pid_t pid = 0;
  const int error =
      posix_spawnp(&pid, argv[0], actions, nullptr, argv.data(), environ);
  return error == 0 ? pid : 0;
}

int WaitFor(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return 127;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string ReadToEnd(int descriptor) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t size = read(descriptor, buffer, sizeof(buffer));
    if (size > 0) {
      text.append(buffer, static_cast<std::size_t>(size));
    } else if (size == 0 || errno != EINTR) {
      return text;
    }
  }
}

}  // namespace

Finished RunToEnd(const std::vector<std::string>& arguments) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {127, std::strerror(errno)};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  const pid_t pid = Spawn(arguments, &actions);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  Finished finished{127, "cannot run " + arguments[0]};
  if (pid != 0) {
    finished.output = ReadToEnd(ends[0]);
    finished.exit_code = WaitFor(pid);
  }
  close(ends[0]);
  return finished;
}

Subprocess::Subprocess(const std::vector<std::string>& arguments,
                       const std::string& output_path) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (!output_path.empty()) {
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO,
                                     output_path.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0666);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  }
  pid_ = Spawn(arguments, &actions);
  posix_spawn_file_actions_destroy(&actions);
}

Subprocess::~Subprocess() {
  if (pid_ == 0) return;
  Signal(SIGKILL);
  Wait();
}

void Subprocess::Signal(int signal) const {
  if (pid_ != 0) kill(pid_, signal);
}

int Subprocess::Wait() {
  if (pid_ == 0) return 127;
  const int exit_code = WaitFor(pid_);
  pid_ = 0;
  return exit_code;
}

}  // namespace rpc::testing
