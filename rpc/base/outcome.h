#ifndef RPC_BASE_OUTCOME_H_
#define RPC_BASE_OUTCOME_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc/base/bytes.h"
#include "rpc/base/status.h"

namespace rpc {

// Why a policy would not produce a value. A literal type, unlike absl::Status,
// so that a policy can refuse in a constant expression; it becomes a status at
// the endpoint's door.
class Refusal {
 public:
  constexpr explicit Refusal(absl::StatusCode code) : code_(code) {}
  constexpr Refusal(absl::StatusCode code, std::string_view message)
      : code_(code) {
    Append(message);
  }

  // Adds to the message; what passes 160 bytes is cut off.
  constexpr Refusal& Append(std::string_view text) {
    message_.append(text.data(), text.size());
    return *this;
  }
  constexpr Refusal& Append(std::uint64_t number) {
    char digits[20] = {};
    std::size_t at = sizeof(digits);
    do {
      digits[--at] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    message_.append(digits + at, sizeof(digits) - at);
    return *this;
  }

  constexpr absl::StatusCode code() const { return code_; }
  constexpr std::string_view message() const { return message_.view(); }
  absl::Status ToStatus() const { return MakeStatus(code_, message()); }

 private:
  absl::StatusCode code_;
  FixedBytes<160> message_;
};

// A value or the reason why there is none: what absl::StatusOr<T> is, for
// constant expressions too. Policies may return either.
template <typename T>
class Outcome {
 public:
  using value_type = T;

  // NOLINTBEGIN(google-explicit-constructor): as absl::StatusOr.
  constexpr Outcome(T value)
      : outcome_(std::in_place_index<0>, std::move(value)) {}
  constexpr Outcome(Refusal refusal)
      : outcome_(std::in_place_index<1>, refusal) {}
  // NOLINTEND(google-explicit-constructor)

  constexpr bool ok() const { return outcome_.index() == 0; }
  // Only if ok().
  constexpr const T& operator*() const& { return *std::get_if<0>(&outcome_); }
  constexpr T& operator*() & { return *std::get_if<0>(&outcome_); }
  constexpr T&& operator*() && { return std::get<0>(std::move(outcome_)); }
  // Only if not ok().
  constexpr const Refusal& refusal() const {
    return *std::get_if<1>(&outcome_);
  }
  absl::Status status() const {
    return ok() ? absl::OkStatus() : refusal().ToStatus();
  }

 private:
  std::variant<T, Refusal> outcome_;
};

// What a policy may return where a T is asked of it: Outcome<T> or
// absl::StatusOr<T>.
template <typename R, typename T>
inline constexpr bool kIsOutcomeOf =
    std::is_same_v<R, Outcome<T>> || std::is_same_v<R, absl::StatusOr<T>>;

}  // namespace rpc

#endif  // RPC_BASE_OUTCOME_H_
