#ifndef RPC_HANDLER_FIBONACCI_H_
#define RPC_HANDLER_FIBONACCI_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/status/status.h"
#include "rpc/base/outcome.h"
#include "rpc/message/method.h"

namespace rpc {

namespace fibonacci_internal {

template <typename Integer>
concept Unbounded = std::numeric_limits<Integer>::is_integer &&
    !std::numeric_limits<Integer>::is_bounded;

// The largest n whose Fibonacci number a bounded Integer holds.
template <typename Integer>
constexpr std::uint64_t LargestN() {
  constexpr Integer kMax = std::numeric_limits<Integer>::max();
  Integer current(0);
  Integer next(1);
  std::uint64_t n = 1;
  for (; current <= static_cast<Integer>(kMax - next); ++n) {
    const Integer sum = static_cast<Integer>(current + next);
    current = next;
    next = sum;
  }
  return n;
}

// All the Fibonacci numbers that a bounded Integer holds: they are few.
template <typename Integer>
inline constexpr auto kNumbers = [] {
  std::array<Integer, LargestN<Integer>() + 1> numbers = {};
  numbers[1] = Integer(1);
  for (std::size_t n = 2; n < numbers.size(); ++n) {
    numbers[n] = static_cast<Integer>(numbers[n - 1] + numbers[n - 2]);
  }
  return numbers;
}();

ABSL_ATTRIBUTE_COLD constexpr Refusal Beyond(std::uint64_t n,
                                             std::uint64_t max_n) {
  return Refusal(absl::StatusCode::kOutOfRange, "n = ")
      .Append(n)
      .Append(" is too large; the largest n allowed is ")
      .Append(max_n);
}

}  // namespace fibonacci_internal

// The n-th Fibonacci number, exact, for any integer type:
//
//   constexpr Outcome<std::uint64_t> kNumber = Fibonacci<std::uint64_t>()(90);
//   static_assert(*kNumber == 2880067194370816120);
//
// A bounded Integer allows each n whose number it holds (93 for std::uint64_t,
// 92 for std::int64_t, 186 for absl::uint128); the handler is an empty class
// and a call reads a table made at compile time. An unbounded one (by
// std::numeric_limits; see rpc/serializer/gmp_integer.h) has a ceiling in
// Options, because the caller chooses n and the server pays for it.
//
// A larger n is refused with OUT_OF_RANGE and the largest n allowed.
// Thread-safe.
template <typename Integer>
class Fibonacci {
  static_assert(std::numeric_limits<Integer>::is_integer,
                "Fibonacci: Integer must be an integer type, one for which "
                "std::numeric_limits<Integer>::is_integer is true; see "
                "rpc/handler/fibonacci.h.");

 public:
  using Method =
      rpc::Method<"fibonacci", Integer(std::uint64_t), Idempotent::kYes>;
  static constexpr std::uint64_t kMaxN =
      fibonacci_internal::LargestN<Integer>();

  constexpr Outcome<Integer> operator()(std::uint64_t n) const {
    if (n > kMaxN) return fibonacci_internal::Beyond(n, kMaxN);
    return fibonacci_internal::kNumbers<Integer>[n];
  }
};

template <fibonacci_internal::Unbounded Integer>
class Fibonacci<Integer> {
 public:
  using Method =
      rpc::Method<"fibonacci", Integer(std::uint64_t), Idempotent::kYes>;

  struct Options {
    // The largest n allowed. The time for n grows with the square of n at
    // worst, the result has 0.21 n digits.
    std::uint64_t max_n = 100'000;
  };

  constexpr Fibonacci() = default;
  constexpr explicit Fibonacci(Options options) : options_(options) {}

  constexpr Outcome<Integer> operator()(std::uint64_t n) const {
    if (n > options_.max_n) {
      return fibonacci_internal::Beyond(n, options_.max_n);
    }
    // From the numbers that are known, for the leading bits of n, by doubling
    // with each bit that follows: F(2k) = F(k) (2 F(k+1) - F(k)) and
    // F(2k+1) = F(k)^2 + F(k+1)^2.
    int bits = 0;
    while (n >> bits >= kKnown.size() - 1) ++bits;
    Integer current(kKnown[n >> bits]);
    if (bits == 0) return current;
    Integer next(kKnown[(n >> bits) + 1]);
    while (--bits > 0) {
      Integer even = current * (next + next - current);
      Integer odd = current * current + next * next;
      if ((n >> bits & 1) == 0) {
        next = std::move(odd);
        current = std::move(even);
      } else {
        next = even + odd;
        current = std::move(odd);
      }
    }
    // The next number would be the largest of all, and nobody asks for it.
    if ((n & 1) == 0) return Integer(current * (next + next - current));
    return Integer(current * current + next * next);
  }

 private:
  static constexpr auto& kKnown = fibonacci_internal::kNumbers<std::uint32_t>;

  Options options_;
};

}  // namespace rpc

#endif  // RPC_HANDLER_FIBONACCI_H_
