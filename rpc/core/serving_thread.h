#ifndef RPC_CORE_SERVING_THREAD_H_
#define RPC_CORE_SERVING_THREAD_H_

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace rpc {

// A server that runs on a thread of its own. Stops and drains when it is
// destroyed; must not outlive its endpoint. Move-only; to be used by one thread
// at a time.
class ServingThread {
 public:
  // What runs: until the token's stop is requested; calls `ready` when requests
  // are being taken.
  using Serve =
      std::function<absl::Status(std::stop_token, std::function<void()> ready)>;

  // Returns when requests are being taken, or with why they are not.
  static absl::StatusOr<ServingThread> Start(Serve serve) {
    auto state = std::make_unique<State>();
    ServingThread thread(std::move(serve), std::move(state));
    if (thread.state_->WaitUntilReady()) return thread;
    const absl::Status status = thread.Stop();
    return status.ok() ? absl::InternalError("serving ended at once") : status;
  }

  ServingThread(ServingThread&&) = default;
  ServingThread& operator=(ServingThread&&) = delete;
  ~ServingThread() {
    if (thread_.joinable()) Stop().IgnoreError();
  }

  // Stops, drains, and returns what Serve() returned. Once.
  absl::Status Stop() {
    thread_.request_stop();
    thread_.join();
    return *state_->result;
  }

 private:
  struct State {
    // False if serving ended instead.
    bool WaitUntilReady() {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return ready || result.has_value(); });
      return ready;
    }
    void SetReady() {
      const std::lock_guard lock(mutex);
      ready = true;
      changed.notify_all();
    }
    void End(absl::Status status) {
      const std::lock_guard lock(mutex);
      result = std::move(status);
      changed.notify_all();
    }

    std::mutex mutex;
    std::condition_variable changed;
    bool ready = false;
    std::optional<absl::Status> result;
  };

  ServingThread(Serve serve, std::unique_ptr<State> state)
      : state_(std::move(state)),
        thread_([serve = std::move(serve),
                 shared = state_.get()](const std::stop_token& stop) {
          shared->End(serve(stop, [shared] { shared->SetReady(); }));
        }) {}

  std::unique_ptr<State> state_;
  std::jthread thread_;
};

}  // namespace rpc

#endif  // RPC_CORE_SERVING_THREAD_H_
