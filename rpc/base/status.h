#ifndef RPC_BASE_STATUS_H_
#define RPC_BASE_STATUS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

// The one status vocabulary of the library: an absl::Status says what happened,
// and two facts ride on it as payloads. They survive copying a status and the
// way through RabbitMQ. All functions are thread-safe.
namespace rpc {

namespace status_internal {
inline constexpr absl::string_view kNotRunUrl = "rpc/not-run";
inline constexpr absl::string_view kRetryAfterUrl = "rpc/retry-after-ms";
}  // namespace status_internal

// Abseil's string_view and the standard's are one type or two, depending on how
// abseil was built; these two carry a view across.
inline absl::string_view ToAbsl(std::string_view text) {
  return absl::string_view(text.data(), text.size());
}
inline std::string_view ToStd(absl::string_view text) {
  return std::string_view(text.data(), text.size());
}

inline absl::Status MakeStatus(absl::StatusCode code, std::string_view text) {
  return absl::Status(code, ToAbsl(text));
}

// False only where it is known that the handler did not run and will not: such
// a call can be made again without harm. True if in doubt, and for OK.
inline bool MayHaveRun(const absl::Status& status) {
  return !status.GetPayload(status_internal::kNotRunUrl).has_value();
}

// `status`, marked as of a call whose handler did not run and will not.
inline absl::Status NotRun(absl::Status status) {
  status.SetPayload(status_internal::kNotRunUrl, absl::Cord());
  return status;
}

// `status` without that mark.
inline absl::Status WithoutNotRun(absl::Status status) {
  status.ErasePayload(status_internal::kNotRunUrl);
  return status;
}

// How long the server asks its caller to wait before it tries again, where it
// does.
inline std::optional<absl::Duration> RetryAfter(const absl::Status& status) {
  auto payload = status.GetPayload(status_internal::kRetryAfterUrl);
  if (!payload.has_value()) return std::nullopt;
  std::int64_t milliseconds = 0;
  if (!absl::SimpleAtoi(std::string(*payload), &milliseconds)) {
    return std::nullopt;
  }
  return absl::Milliseconds(milliseconds);
}

// `status` with the wait that RetryAfter() reads, in whole milliseconds.
inline absl::Status WithRetryAfter(absl::Status status, absl::Duration wait) {
  status.SetPayload(
      status_internal::kRetryAfterUrl,
      absl::Cord(std::to_string(absl::ToInt64Milliseconds(wait))));
  return status;
}

// `status` with `context` in front of its message and its payloads kept: how
// each level that a status passes says where it happened.
inline absl::Status Annotate(const absl::Status& status,
                             std::string_view context) {
  if (status.ok() || context.empty()) return status;
  std::string text(context);
  text.append(": ").append(status.message().data(), status.message().size());
  absl::Status annotated = MakeStatus(status.code(), text);
  status.ForEachPayload([&](absl::string_view url, const absl::Cord& payload) {
    annotated.SetPayload(url, payload);
  });
  return annotated;
}

}  // namespace rpc

#endif  // RPC_BASE_STATUS_H_
