#ifndef RPC_SERIALIZER_GMP_INTEGER_H_
#define RPC_SERIALIZER_GMP_INTEGER_H_

#include <gmpxx.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "rpc/base/bytes.h"
#include "rpc/base/outcome.h"
#include "rpc/serializer/decimal_text.h"

namespace rpc {

// The longest integer that travels as decimal text: reading it takes a few
// tens of milliseconds, and that is what a peer can make us spend.
inline constexpr std::size_t kMaxGmpDigits = 1'000'000;

// GMP's integers, of any size up to kMaxGmpDigits. Neither throws nor aborts
// for what a peer sends.
template <>
struct DecimalText<mpz_class> {
  // OUT_OF_RANGE if `value` has more digits than Read() takes.
  template <ByteSink Sink>
  static absl::Status Write(const mpz_class& value, Sink& sink) {
    // GMP's estimate may be one digit too large; it adds a sign and a NUL.
    const std::size_t estimate = mpz_sizeinbase(value.get_mpz_t(), 10);
    if (estimate > kMaxGmpDigits + 1) {
      return TooLong("an integer", estimate).ToStatus();
    }
    std::string text(estimate + 2, '\0');
    mpz_get_str(text.data(), 10, value.get_mpz_t());
    text.resize(text.find('\0', estimate - 1));
    const std::size_t digits = text.size() - (value < 0 ? 1 : 0);
    if (digits > kMaxGmpDigits) return TooLong("an integer", digits).ToStatus();
    sink.append(text.data(), text.size());
    return absl::OkStatus();
  }

  // An optional '-' and digits: what GMP takes beyond that (spaces, other
  // bases) is refused here, before GMP sees it.
  static Outcome<mpz_class> Read(std::string_view text) {
    std::string_view digits = text;
    if (digits.starts_with('-')) digits.remove_prefix(1);
    if (digits.size() > kMaxGmpDigits) {
      return TooLong("a body", digits.size());
    }
    if (digits.empty() || !std::all_of(digits.begin(), digits.end(), IsDigit)) {
      return NotDecimal(text, "send digits, after a '-' if negative");
    }
    mpz_class value;
    mpz_set_str(value.get_mpz_t(), std::string(text).c_str(), 10);
    return value;
  }

 private:
  static bool IsDigit(char c) { return c >= '0' && c <= '9'; }

  static Refusal TooLong(std::string_view what, std::size_t digits) {
    return Refusal(absl::StatusCode::kOutOfRange, what)
        .Append(" of ")
        .Append(digits)
        .Append(" digits does not fit: at most ")
        .Append(kMaxGmpDigits)
        .Append(" travel");
  }
};

}  // namespace rpc

#endif  // RPC_SERIALIZER_GMP_INTEGER_H_
