#ifndef RPC_AMQP_THREAD_H_
#define RPC_AMQP_THREAD_H_

#include <pthread.h>
#include <signal.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc/amqp/descriptor.h"

namespace rpc::amqp {

// A thread of the library. It takes no signals: those are the program's, and
// SIGPIPE from a broken connection nobody's. Its stack has 8 MiB whatever the
// program's default, for handlers and callbacks may run on it. Joined by its
// destructor. Move-only.
class Thread {
 public:
  // RESOURCE_EXHAUSTED if the system has no thread to give.
  static absl::StatusOr<Thread> Start(std::function<void()> body) {
    absl::StatusOr<pthread_t> started = Create(std::move(body));
    if (!started.ok()) return started.status();
    return Thread(*started);
  }

  // Starts a thread that nobody waits for: `body` must own all that it uses.
  static absl::Status StartDetached(std::function<void()> body) {
    absl::StatusOr<pthread_t> started = Create(std::move(body));
    if (started.ok()) ::pthread_detach(*started);
    return started.status();
  }

  Thread(Thread&& other) noexcept
      : handle_(other.handle_),
        joinable_(std::exchange(other.joinable_, false)) {}
  Thread& operator=(Thread&&) = delete;
  ~Thread() { Join(); }

  void Join() {
    if (std::exchange(joinable_, false)) ::pthread_join(handle_, nullptr);
  }
  bool IsCurrent() const {
    return ::pthread_equal(handle_, ::pthread_self()) != 0;
  }

 private:
  static constexpr std::size_t kStackSize = std::size_t{8} * 1024 * 1024;

  explicit Thread(pthread_t handle) : handle_(handle), joinable_(true) {}

  static absl::StatusOr<pthread_t> Create(std::function<void()> body) {
    auto owned = std::make_unique<std::function<void()>>(std::move(body));
    pthread_attr_t attributes;
    int error = ::pthread_attr_init(&attributes);
    if (error != 0) return OutOfThreads(error);
    ::pthread_attr_setstacksize(&attributes, kStackSize);
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t handle;
    error = ::pthread_create(&handle, &attributes, &Thread::Run, owned.get());
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_attr_destroy(&attributes);
    if (error != 0) return OutOfThreads(error);
    owned.release();
    return handle;
  }

  static absl::Status OutOfThreads(int error) {
    return SystemError(absl::StatusCode::kResourceExhausted, "pthread_create",
                       error);
  }

  static void* Run(void* body) {
    const std::unique_ptr<std::function<void()>> owned(
        static_cast<std::function<void()>*>(body));
    (*owned)();
    return nullptr;
  }

  pthread_t handle_;
  bool joinable_;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_THREAD_H_
