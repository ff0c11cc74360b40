#ifndef RPC_AMQP_WAKEUP_H_
#define RPC_AMQP_WAKEUP_H_

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc/amqp/descriptor.h"

namespace rpc::amqp {

// Lets other threads wake one thread out of poll(2). Writes its eventfd only if
// that thread sleeps, so that waking a busy one costs no system call. The
// sleeper may be another thread each time, if it sees what the last one did.
class Wakeup {
 public:
  static absl::StatusOr<std::shared_ptr<Wakeup>> Create() {
    Descriptor event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!event.valid()) {
      return SystemError(absl::StatusCode::kResourceExhausted, "eventfd",
                         errno);
    }
    return std::make_shared<Wakeup>(std::move(event));
  }
  explicit Wakeup(Descriptor event) : event_(std::move(event)) {}

  // Any thread. The sleeper looks for work after this.
  void Wake() {
    // Either this sees that the sleeper has announced its sleep, or the sleeper
    // sees the request before it sleeps: hence the total order. Whoever finds a
    // request there leaves the rest to its maker.
    if (requested_.exchange(true, std::memory_order_seq_cst)) return;
    if (!sleeping_.exchange(false, std::memory_order_seq_cst)) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written =
        ::write(event_.get(), &one, sizeof(one));
  }

  // The sleeper, before poll(2): false if it must not sleep.
  bool BeginSleep() {
    sleeping_.store(true, std::memory_order_seq_cst);
    return !requested_.load(std::memory_order_seq_cst);
  }

  // The sleeper, after poll(2). `revents` is what that said of descriptor().
  void EndSleep(short revents) {
    sleeping_.store(false, std::memory_order_seq_cst);
    if (revents != 0) {
      std::uint64_t count = 0;
      [[maybe_unused]] const ssize_t read =
          ::read(event_.get(), &count, sizeof(count));
    }
  }

  // The sleeper, before it looks for work: whoever called Wake() until here has
  // been heard.
  void Heed() { requested_.exchange(false, std::memory_order_seq_cst); }

  // Whether somebody has called Wake() since the last Heed().
  bool requested() const { return requested_.load(std::memory_order_seq_cst); }

  // To be polled for reading.
  int descriptor() const { return event_.get(); }

 private:
  const Descriptor event_;
  std::atomic<bool> requested_{false};
  std::atomic<bool> sleeping_{false};
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_WAKEUP_H_
