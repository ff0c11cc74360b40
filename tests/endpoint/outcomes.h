#ifndef RPC_TESTS_ENDPOINT_OUTCOMES_H_
#define RPC_TESTS_ENDPOINT_OUTCOMES_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/core/gate.h"

namespace rpc::testing {

// What asynchronous calls ended with, by a number that each is given.
// Thread-safe; outlives the callbacks.
class Outcomes {
 public:
  using Result = absl::StatusOr<std::int64_t>;

  // A callback for call `n`.
  auto Of(int n) {
    return [this, n](Result result) {
      const std::lock_guard lock(mutex_);
      results_[n].push_back(std::move(result));
      threads_.push_back(std::this_thread::get_id());
      ++count_;
      changed_.notify_all();
    };
  }

  // Until `count` callbacks have run in all; false if they do not.
  bool WaitFor(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, absl::ToChronoNanoseconds(kPatience),
                             [&] { return count_ >= count; });
  }

  // Of call `n`: one for each time that its callback ran.
  std::vector<Result> Results(int n) {
    const std::lock_guard lock(mutex_);
    return results_[n];
  }
  // Of call `n`, whose callback has to have run once.
  Result Only(int n) {
    std::vector<Result> results = Results(n);
    if (results.size() == 1) return results.front();
    return absl::InternalError(std::to_string(results.size()) + " callbacks");
  }
  // The code of Only(n).
  absl::StatusCode Code(int n) { return Only(n).status().code(); }

  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return count_;
  }
  std::vector<std::thread::id> threads() {
    const std::lock_guard lock(mutex_);
    return threads_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int, std::vector<Result>> results_;
  std::vector<std::thread::id> threads_;
  std::size_t count_ = 0;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_ENDPOINT_OUTCOMES_H_
