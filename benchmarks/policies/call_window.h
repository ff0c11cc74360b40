#ifndef BENCHMARKS_POLICIES_CALL_WINDOW_H_
#define BENCHMARKS_POLICIES_CALL_WINDOW_H_

#include <atomic>
#include <cstdint>
#include <mutex>
#include <semaphore>
#include <tuple>
#include <utility>

#include "absl/status/status.h"

namespace rpc::benchmarks {

// Asynchronous calls of one client, `in_flight` of which are open at any time:
// the end of one starts the next. Thread-compatible.
template <typename Client, typename Arguments>
class CallWindow {
 public:
  CallWindow(Client& client, Arguments arguments, std::int64_t in_flight)
      : client_(client),
        arguments_(std::move(arguments)),
        in_flight_(in_flight) {}

  // Makes `calls` calls; returns the first failure when all have ended.
  absl::Status Run(std::int64_t calls) {
    to_start_ = calls;
    for (std::int64_t i = 0; i < in_flight_; ++i) StartNext();
    for (std::int64_t i = 0; i < in_flight_; ++i) ended_.acquire();
    return failure_;
  }

 private:
  void StartNext() {
    if (to_start_.fetch_sub(1, std::memory_order_relaxed) <= 0) {
      ended_.release();
      return;
    }
    std::apply(
        [this](const auto&... arguments) {
          client_.CallAsync(arguments..., [this](const auto& result) {
            if (!result.ok()) Note(result);
            StartNext();
          });
        },
        arguments_);
  }

  void Note(const absl::Status& status) {
    const std::lock_guard<std::mutex> lock(mutex_);
    failure_.Update(status);
  }
  template <typename Result>
  void Note(const Result& result) {
    Note(result.status());
  }

  Client& client_;
  const Arguments arguments_;
  const std::int64_t in_flight_;
  std::atomic<std::int64_t> to_start_ = 0;
  std::counting_semaphore<> ended_{0};
  std::mutex mutex_;
  absl::Status failure_;
};

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_POLICIES_CALL_WINDOW_H_
