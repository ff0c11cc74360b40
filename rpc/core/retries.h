#ifndef RPC_CORE_RETRIES_H_
#define RPC_CORE_RETRIES_H_

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "rpc/base/random_nonces.h"
#include "rpc/base/status.h"
#include "rpc/core/retry_policy.h"

namespace rpc::core {

// What the calls of one endpoint that may be made again have in common: the
// policy, and the tokens that are left. Thread-safe.
class Retries {
 public:
  // A valid policy.
  explicit Retries(RetryPolicy policy)
      : policy_(std::move(policy)), tokens_(policy_.tokens) {}

  bool enabled() const { return policy_.max_attempts > 1; }
  const RetryPolicy& policy() const { return policy_; }

  // A call begins. Returns its message id, which no other call has.
  std::string Begin() {
    const std::lock_guard lock(mutex_);
    tokens_ = std::min(policy_.tokens, tokens_ + policy_.tokens_per_call);
    return random_.NextName();
  }

  // How long to pause before attempt number `next`, after an attempt that ended
  // with `status`; nothing if none is to follow. Does not take a token.
  std::optional<absl::Duration> PauseBefore(int next,
                                            const absl::Status& status) {
    if (next > policy_.max_attempts || !IsRetried(status.code())) {
      return std::nullopt;
    }
    const absl::Duration asked =
        RetryAfter(status).value_or(absl::ZeroDuration());
    return std::max(asked, LongestPause(policy_, next) * Random());
  }

  // For each attempt after the first. False if there is none left.
  bool TakeToken() {
    const std::lock_guard lock(mutex_);
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    ++taken_;
    return true;
  }

  // How many attempts there were after first ones.
  std::uint64_t taken() const {
    const std::lock_guard lock(mutex_);
    return taken_;
  }

 private:
  bool IsRetried(absl::StatusCode code) const {
    const bool is_attempts_own =
        code == absl::StatusCode::kDeadlineExceeded &&
        policy_.attempt_timeout < absl::InfiniteDuration();
    return is_attempts_own ||
           std::find(policy_.codes.begin(), policy_.codes.end(), code) !=
               policy_.codes.end();
  }

  // From zero to one.
  double Random() {
    constexpr double kTwoTo53 = 9007199254740992;
    const std::lock_guard lock(mutex_);
    return static_cast<double>(random_.Next() >> 11) / kTwoTo53;
  }

  const RetryPolicy policy_;
  mutable std::mutex mutex_;
  double tokens_;
  std::uint64_t taken_ = 0;
  RandomNonces random_;
};

}  // namespace rpc::core

#endif  // RPC_CORE_RETRIES_H_
