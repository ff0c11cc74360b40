#ifndef RPC_CORE_RETRY_POLICY_H_
#define RPC_CORE_RETRY_POLICY_H_

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace rpc {

// Which calls that failed are made again, and when: never after the call's
// deadline, and never where the handler may have run, unless the method is
// Idempotent. All attempts at one call carry the same message id. A value.
struct RetryPolicy {
  // All in all, the first included. 1: no call is made again.
  int max_attempts = 1;
  // How long one attempt may take before the next is made; what comes of it
  // later is dropped. Infinite: as long as the call.
  absl::Duration attempt_timeout = absl::InfiniteDuration();
  // The pause before the second attempt is taken at random up to
  // `initial_backoff`, each further one up to `backoff_multiplier` times more,
  // at most up to `max_backoff`. It is longer where the other side asks for
  // that: see RetryAfter().
  absl::Duration initial_backoff = absl::Milliseconds(50);
  absl::Duration max_backoff = absl::Seconds(2);
  double backoff_multiplier = 2;
  // The failures after which it is tried again. An attempt that took longer
  // than `attempt_timeout` is one in any case.
  std::vector<absl::StatusCode> codes = {absl::StatusCode::kUnavailable,
                                         absl::StatusCode::kResourceExhausted};
  // So that retries cannot melt a system that is sick already, each takes a
  // token. An endpoint begins with `tokens`, has never more, and gets
  // `tokens_per_call` for each call. Where there is none left, calls end with
  // their first failure.
  double tokens = 10;
  double tokens_per_call = 0.1;
};

namespace core {

// INVALID_ARGUMENT that names the first member that makes no sense.
inline absl::Status Validate(const RetryPolicy& policy) {
  const auto refuse = [](const char* what) {
    return absl::InvalidArgumentError(std::string("RetryPolicy: ") + what);
  };
  if (policy.max_attempts < 1) return refuse("max_attempts is at least 1");
  if (policy.attempt_timeout <= absl::ZeroDuration()) {
    return refuse("attempt_timeout must be positive");
  }
  if (policy.initial_backoff < absl::ZeroDuration() ||
      policy.max_backoff < policy.initial_backoff) {
    return refuse("initial_backoff is from zero to max_backoff");
  }
  if (!(policy.backoff_multiplier >= 1)) {
    return refuse("backoff_multiplier is at least 1");
  }
  if (!(policy.tokens >= 0) || !(policy.tokens_per_call >= 0)) {
    return refuse("tokens and tokens_per_call are not negative");
  }
  return absl::OkStatus();
}

// The longest pause before attempt number `next`, from 2 on.
inline absl::Duration LongestPause(const RetryPolicy& policy, int next) {
  const double factor = std::pow(policy.backoff_multiplier, next - 2);
  return std::min(policy.initial_backoff * factor, policy.max_backoff);
}

}  // namespace core
}  // namespace rpc

#endif  // RPC_CORE_RETRY_POLICY_H_
