#ifndef BENCHMARKS_RABBITMQ_FIBONACCI_H_
#define BENCHMARKS_RABBITMQ_FIBONACCI_H_

#include <array>
#include <charconv>
#include <cstdint>
#include <string_view>

namespace rpc::benchmarks {

// fib(n) by plain addition; exact up to n = 93.
constexpr std::uint64_t Fibonacci(std::uint64_t n) {
  std::uint64_t current = 0;
  std::uint64_t next = 1;
  for (; n > 0; --n) {
    const std::uint64_t sum = current + next;
    current = next;
    next = sum;
  }
  return current;
}
static_assert(Fibonacci(90) == 2880067194370816120);

// Decimal text in a buffer of its own: what travels as a body.
class DecimalText {
 public:
  explicit DecimalText(std::uint64_t value) {
    const auto result =
        std::to_chars(digits_.data(), digits_.data() + digits_.size(), value);
    size_ = static_cast<std::size_t>(result.ptr - digits_.data());
  }
  std::string_view view() const { return {digits_.data(), size_}; }

 private:
  std::array<char, 20> digits_ = {};
  std::size_t size_ = 0;
};

// The hand-written handler: decimal n in, decimal fib(n) out; what is no number
// up to 93 is answered with 0, which the measuring client counts as wrong.
inline DecimalText FibonacciReply(std::string_view request) {
  std::uint64_t n = 0;
  const char* const end = request.data() + request.size();
  const auto [rest, error] = std::from_chars(request.data(), end, n);
  const bool valid = error == std::errc() && rest == end && n <= 93;
  return DecimalText(valid ? Fibonacci(n) : 0);
}

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_RABBITMQ_FIBONACCI_H_
