#ifndef RPC_TESTS_SUPPORT_FREEZE_H_
#define RPC_TESTS_SUPPORT_FREEZE_H_

#include <sys/types.h>

#include <utility>

#include "absl/status/status.h"

namespace rpc::testing {

// Stops a process with SIGSTOP and returns when none of its threads runs any
// more. kill(2) returns earlier: a thread that sleeps has to be scheduled
// before it stops the others, and until then they go on working. INTERNAL if
// there is no such process, or if it still ran after 10 s. Thread-safe.
absl::Status Freeze(pid_t process);

// Lets it go on.
void Thaw(pid_t process);

// Stands still as long as this lives. Thread-compatible.
class Frozen {
 public:
  explicit Frozen(pid_t process)
      : process_(process), status_(Freeze(process)) {}
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;
  ~Frozen() { Thaw(); }

  // Why it does not stand still.
  const absl::Status& status() const { return status_; }

  void Thaw() {
    if (process_ != 0) testing::Thaw(std::exchange(process_, 0));
  }

 private:
  pid_t process_;
  absl::Status status_;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_SUPPORT_FREEZE_H_
