#include "rpc/core/stop_on_signal.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <stop_token>

#include "gtest/gtest.h"
#include "tests/core/gate.h"

namespace rpc {
namespace {

using ::rpc::testing::Gate;

void WaitForStop(const std::stop_token& token) {
  Gate stopped;
  const std::stop_callback wake(token, [&] { stopped.Open(); });
  stopped.Wait();
}

// Runs `child` in a process of its own, which it leaves with 0 or by a signal.
// Returns the signal that ended it, -1 if none did and its exit code was not 0.
int SignalThatEnds(const std::function<void()>& child) {
  const pid_t pid = fork();
  if (pid == 0) {
    child();
    _exit(0);
  }
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  if (WIFSIGNALED(status)) return WTERMSIG(status);
  return WEXITSTATUS(status) == 0 ? 0 : -1;
}

TEST(StopOnSignal, StopsOnEitherSignal) {
  for (const int signal : {SIGTERM, SIGINT}) {
    EXPECT_EQ(SignalThatEnds([&] {
                const std::stop_token token = StopOnSignal();
                if (token.stop_requested()) _exit(1);
                raise(signal);
                WaitForStop(token);
                if (!token.stop_requested()) _exit(2);
              }),
              0);
  }
}

TEST(StopOnSignal, ASecondSignalEndsTheProcess) {
  for (const int first : {SIGTERM, SIGINT}) {
    for (const int second : {SIGTERM, SIGINT}) {
      EXPECT_EQ(SignalThatEnds([&] {
                  const std::stop_token token = StopOnSignal();
                  raise(first);
                  WaitForStop(token);
                  raise(second);
                }),
                second);
    }
  }
}

TEST(StopOnSignal, GivesEveryoneTheSameStop) {
  EXPECT_EQ(SignalThatEnds([] {
              const std::stop_token first = StopOnSignal();
              const std::stop_token second = StopOnSignal();
              if (first != second) _exit(1);
              raise(SIGTERM);
              WaitForStop(first);
              if (!second.stop_requested()) _exit(2);
              // Nor does one that is asked for later miss it.
              if (!StopOnSignal().stop_requested()) _exit(3);
            }),
            0);
}

}  // namespace
}  // namespace rpc
