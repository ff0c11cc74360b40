#ifndef RPC_TESTS_CORE_GATE_H_
#define RPC_TESTS_CORE_GATE_H_

#include <condition_variable>
#include <mutex>

#include "absl/time/time.h"

namespace rpc::testing {

// How long a test waits for what has to come.
inline constexpr absl::Duration kPatience = absl::Seconds(30);

// Something that happens once, and is waited for. Thread-safe.
class Gate {
 public:
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    opened_.notify_all();
  }

  // False if it is not open after `patience`.
  bool Wait(absl::Duration patience = kPatience) {
    std::unique_lock lock(mutex_);
    return opened_.wait_for(lock, absl::ToChronoNanoseconds(patience),
                            [&] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable opened_;
  bool open_ = false;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_CORE_GATE_H_
