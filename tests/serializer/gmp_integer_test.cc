#include "rpc/serializer/gmp_integer.h"

#include <gmpxx.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "rpc/base/bytes.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/serializer/serializer_policy.h"
#include "tests/laws/serializer_laws.h"

namespace rpc {
namespace {

static_assert(SerializerFor<DecimalSerializer, mpz_class>);

absl::StatusCode CodeOf(std::string_view text) {
  return DecimalSerializer().Decode<mpz_class>(text).status().code();
}

mpz_class PowerOfTen(unsigned long exponent) {
  mpz_class power;
  mpz_ui_pow_ui(power.get_mpz_t(), 10, exponent);
  return power;
}

std::string TextOf(const mpz_class& value) {
  std::string text;
  EXPECT_TRUE(DecimalSerializer().Encode(value, text).ok());
  return text;
}

TEST(GmpInteger, WritesExactlyItsDigits) {
  // GMP's own estimate of the size is one too large for many of these.
  for (unsigned long exponent = 0; exponent < 200; ++exponent) {
    const mpz_class power = PowerOfTen(exponent);
    const std::string zeros(exponent, '0');
    EXPECT_EQ(TextOf(power), "1" + zeros);
    EXPECT_EQ(TextOf(-power), "-1" + zeros);
    EXPECT_EQ(TextOf(power * 10 - 1), "9" + std::string(exponent, '9'));
  }
  EXPECT_EQ(TextOf(0), "0");
}

TEST(GmpInteger, RefusesWhatGmpWouldTake) {
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {""sv, " 7"sv, "7 "sv, "1 000"sv, "+7"sv, "-"sv, "--7"sv, "- 7"sv,
        "0x7"sv, "7\0"sv, "7\0008"sv, "\0007"sv, "7\n"sv, "0b1"sv, "7x"sv}) {
    EXPECT_EQ(CodeOf(text), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(GmpInteger, ReadsZerosInFront) {
  EXPECT_EQ(*DecimalSerializer().Decode<mpz_class>("007"), 7);
  EXPECT_EQ(*DecimalSerializer().Decode<mpz_class>("-0"), 0);
}

TEST(GmpInteger, ReadsUpToItsLimit) {
  const std::string longest(kMaxGmpDigits, '9');
  EXPECT_EQ(*DecimalSerializer().Decode<mpz_class>(longest),
            PowerOfTen(kMaxGmpDigits) - 1);
  EXPECT_EQ(CodeOf(longest + "9"), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(CodeOf("-" + longest), absl::StatusCode::kOk);
}

TEST(GmpInteger, DoesNotWriteWhatCannotBeRead) {
  for (const unsigned long more : {0ul, 1ul, 10ul}) {
    std::string text = "before";
    const absl::Status status =
        DecimalSerializer().Encode(PowerOfTen(kMaxGmpDigits + more), text);
    EXPECT_EQ(status.code(), absl::StatusCode::kOutOfRange) << more;
    EXPECT_EQ(text, "before") << more;
  }
}

TEST(GmpInteger, WritesTheLongestThatCanBeRead) {
  const mpz_class longest = PowerOfTen(kMaxGmpDigits) - 1;
  const std::string nines(kMaxGmpDigits, '9');
  EXPECT_TRUE(TextOf(longest) == nines);
  EXPECT_TRUE(TextOf(-longest) == "-" + nines);
}

struct GmpCase {
  using Serializer = DecimalSerializer;
  using Value = mpz_class;
  static std::vector<mpz_class> Values() {
    return {0,
            1,
            -1,
            mpz_class("18446744073709551616"),
            mpz_class("-340282366920938463463374607431768211456"),
            PowerOfTen(500),
            -PowerOfTen(20000) + 1};
  }
};

}  // namespace

namespace laws {
INSTANTIATE_TYPED_TEST_SUITE_P(Gmp, SerializerLaws, GmpCase);
}  // namespace laws

}  // namespace rpc
