#ifndef RPC_TESTS_SUPPORT_RECORDING_CALLS_H_
#define RPC_TESTS_SUPPORT_RECORDING_CALLS_H_

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "rpc/base/deadline.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/transport_policy.h"

namespace rpc::testing {

// A calling half that writes down what its transport tells it. Thread-safe.
class RecordingCalls final : public CallEvents {
 public:
  // How late the first OnTime came that was told of a deadline.
  struct WakeUp {
    TimePoint deadline;
    Clock::duration late;
  };

  RecordingCalls() = default;
  // `on_reply` is run with each reply after it was recorded, without a lock.
  explicit RecordingCalls(std::function<void(const Reply&)> on_reply)
      : on_reply_(std::move(on_reply)) {}

  // Asks to be woken at `deadline`; to be called before Submit.
  void Expect(Deadline deadline) {
    const std::lock_guard lock(mutex_);
    if (!deadline.is_never()) deadlines_.insert(deadline.at());
  }
  // Refuses the Claim of that id.
  void Refuse(std::string_view id) {
    const std::lock_guard lock(mutex_);
    refused_.insert(std::string(id));
  }

  bool Claim(std::string_view id) override {
    const std::lock_guard lock(mutex_);
    claims_.emplace_back(id);
    return refused_.count(std::string(id)) == 0;
  }
  void OnReply(Reply reply) override {
    {
      const std::lock_guard lock(mutex_);
      replies_.push_back(reply);
      changed_.notify_all();
    }
    if (on_reply_) on_reply_(reply);
  }
  void OnLost(const absl::Status& status) override {
    const std::lock_guard lock(mutex_);
    losses_.push_back(status);
    changed_.notify_all();
  }
  void OnRefused(const absl::Status& status) override { OnLost(status); }
  TimePoint OnTime(TimePoint now) override {
    const std::lock_guard lock(mutex_);
    while (!deadlines_.empty() && *deadlines_.begin() <= now) {
      const TimePoint deadline = *deadlines_.begin();
      wake_ups_.push_back({deadline, Clock::now() - deadline});
      deadlines_.erase(deadlines_.begin());
    }
    changed_.notify_all();
    return deadlines_.empty() ? kNever : *deadlines_.begin();
  }

  // Waits until `done` of this, called under its lock, is true; false if it is
  // not after `patience`.
  template <typename Done>
  bool WaitUntil(absl::Duration patience, Done done) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, absl::ToChronoNanoseconds(patience),
                             [&] { return done(*this); });
  }
  bool WaitForReplies(std::size_t count, absl::Duration patience) {
    return WaitUntil(patience, [&](const RecordingCalls& calls) {
      return calls.replies_.size() >= count;
    });
  }
  // The first reply to `id`, if there is one in time.
  std::optional<Reply> WaitForReply(std::string_view id,
                                    absl::Duration patience) {
    std::optional<Reply> reply;
    WaitUntil(patience, [&](const RecordingCalls& calls) {
      const auto found = std::find_if(
          calls.replies_.begin(), calls.replies_.end(),
          [&](const Reply& each) { return each.correlation_id == id; });
      if (found != calls.replies_.end()) reply = *found;
      return reply.has_value() || !calls.losses_.empty();
    });
    return reply;
  }
  bool WaitForWakeUps(std::size_t count, absl::Duration patience) {
    return WaitUntil(patience, [&](const RecordingCalls& calls) {
      return calls.wake_ups_.size() >= count;
    });
  }

  std::vector<Reply> replies() const {
    const std::lock_guard lock(mutex_);
    return replies_;
  }
  std::vector<std::string> claims() const {
    const std::lock_guard lock(mutex_);
    return claims_;
  }
  std::vector<absl::Status> losses() const {
    const std::lock_guard lock(mutex_);
    return losses_;
  }
  std::vector<WakeUp> wake_ups() const {
    const std::lock_guard lock(mutex_);
    return wake_ups_;
  }

 private:
  const std::function<void(const Reply&)> on_reply_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> refused_;
  std::multiset<TimePoint> deadlines_;
  std::vector<std::string> claims_;
  std::vector<Reply> replies_;
  std::vector<absl::Status> losses_;
  std::vector<WakeUp> wake_ups_;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_SUPPORT_RECORDING_CALLS_H_
