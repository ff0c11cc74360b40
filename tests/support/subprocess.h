#ifndef RPC_TESTS_SUPPORT_SUBPROCESS_H_
#define RPC_TESTS_SUPPORT_SUBPROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace rpc::testing {

struct Finished {
  // The exit code, or 128 + N where signal N ended it, as a shell has it.
  int exit_code = 0;
  // Standard output and standard error, in the order of writing.
  std::string output;
};

// Runs a program to its end. `arguments[0]` is the program, looked up in PATH
// if it has no slash; no shell is involved.
Finished RunToEnd(const std::vector<std::string>& arguments);

// A program that runs beside the test. Its end is the object's: a program that
// still runs then is killed. Thread-compatible.
class Subprocess {
 public:
  // Its output goes to `output_path`, or to the test's own if that is empty.
  explicit Subprocess(const std::vector<std::string>& arguments,
                      const std::string& output_path = "");
  Subprocess(const Subprocess&) = delete;
  Subprocess& operator=(const Subprocess&) = delete;
  ~Subprocess();

  // 0 if it could not be started or was waited for.
  pid_t pid() const { return pid_; }

  void Signal(int signal) const;

  // Waits for its end; returns as in Finished.
  int Wait();

 private:
  pid_t pid_ = 0;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_SUPPORT_SUBPROCESS_H_
