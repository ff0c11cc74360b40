#ifndef RPC_TESTS_FAULTS_REPEATED_CALLS_H_
#define RPC_TESTS_FAULTS_REPEATED_CALLS_H_

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "rpc/base/status.h"

namespace rpc::testing {

// Numbers to be asked for, each until it is answered: an application that makes
// a call again when it failed. Every attempt has an argument of its own, so
// that a server's log tells which of them ran. Thread-safe.
class RepeatedCalls {
 public:
  // No new ones beyond `least`, or beyond those that were taken by now.
  void Close(std::uint64_t least) {
    const std::lock_guard lock(mutex_);
    numbers_ = std::max(least, fresh_);
  }

  // The argument of the next call; those that failed come first.
  // Nothing if there is none now.
  std::optional<std::uint64_t> Next() {
    const std::lock_guard lock(mutex_);
    if (failed_.empty()) {
      if (fresh_ == numbers_) return std::nullopt;
      ++begun_;
      return fresh_++;
    }
    ++begun_;
    const std::uint64_t argument = failed_.front();
    failed_.pop_front();
    return argument + kAttempt;
  }
  // Until all that there are have been answered; false if they are not within
  // `patience`. After Close().
  bool WaitUntilAnswered(absl::Duration patience) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, absl::ToChronoNanoseconds(patience),
                             [&] { return answered_ == numbers_; });
  }

  void Ended(std::uint64_t argument, const absl::Status& status) {
    const std::lock_guard lock(mutex_);
    ++endings_[argument];
    if (status.ok()) {
      if (++answered_ == numbers_) changed_.notify_all();
      return;
    }
    failed_.push_back(argument);
    if (!MayHaveRun(status)) not_run_.push_back(argument);
  }

  // For when no call is under way any more.
  std::size_t begun() const { return begun_; }
  std::size_t answered() const { return answered_; }
  // Each argument with how often its call ended.
  const std::unordered_map<std::uint64_t, int>& endings() const {
    return endings_;
  }
  // Arguments of calls whose status said that they did not run.
  const std::vector<std::uint64_t>& not_run() const { return not_run_; }

 private:
  // Added to the argument for each attempt: more than there are numbers.
  static constexpr std::uint64_t kAttempt = 1'000'000'000;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t numbers_ = kAttempt;
  std::uint64_t fresh_ = 0;
  std::size_t begun_ = 0;
  std::size_t answered_ = 0;
  std::deque<std::uint64_t> failed_;
  std::unordered_map<std::uint64_t, int> endings_;
  std::vector<std::uint64_t> not_run_;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_FAULTS_REPEATED_CALLS_H_
