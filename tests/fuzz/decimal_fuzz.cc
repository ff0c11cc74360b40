#include <gmpxx.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "absl/numeric/int128.h"
#include "absl/status/status.h"
#include "rpc/base/bytes.h"
#include "rpc/base/outcome.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/serializer/gmp_integer.h"
#include "tests/fuzz/require.h"

// Decimal bodies as a peer may send them, read as each integer there is. GMP's
// is the measure of the others: what one takes is the number that GMP reads,
// and what one refuses is none, or one that does not fit.
namespace rpc::fuzz {
namespace {

constexpr DecimalSerializer kSerializer;

template <typename T>
std::string Encoded(const T& value) {
  Bytes body;
  kSerializer.Encode(value, body);
  return std::string(body.view());
}
template <>
std::string Encoded<mpz_class>(const mpz_class& value) {
  Bytes body;
  Require(kSerializer.Encode(value, body).ok(), "what was read can be written");
  return std::string(body.view());
}

template <typename T>
void Check(std::string_view text, const Outcome<mpz_class>& number) {
  const Outcome<T> value = kSerializer.Decode<T>(text);
  if (value.ok()) {
    Require(number.ok(), "what a smaller type reads, GMP reads");
    const std::string encoded = Encoded(*value);
    Require(encoded == Encoded(*number), "both read the same number");
    const Outcome<T> again = kSerializer.Decode<T>(encoded);
    Require(again.ok() && *again == *value, "what was written is read again");
    return;
  }
  const bool is_signed = std::numeric_limits<T>::is_signed;
  if (value.refusal().code() == absl::StatusCode::kOutOfRange) {
    Require(number.ok(), "what does not fit is a number");
  } else {
    Require(!number.ok() || (!is_signed && text.starts_with('-')),
            "what is called no number is none");
  }
}

template <typename... Ts>
void CheckAll(std::string_view text) {
  const auto number = kSerializer.Decode<mpz_class>(text);
  if (number.ok()) {
    const auto again = kSerializer.Decode<mpz_class>(Encoded(*number));
    Require(again.ok() && *again == *number, "GMP reads what it has written");
  }
  (Check<Ts>(text, number), ...);
}

}  // namespace
}  // namespace rpc::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  rpc::fuzz::CheckAll<std::int8_t, std::uint8_t, std::int16_t, std::uint16_t,
                      std::int32_t, std::uint32_t, std::int64_t, std::uint64_t,
                      long long, unsigned long long, absl::int128,
                      absl::uint128>(
      std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
