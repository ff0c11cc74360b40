#include "rpc/serializer/decimal_serializer.h"

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "rpc/base/bytes.h"
#include "rpc/serializer/serializer_policy.h"
#include "tests/laws/serializer_laws.h"

namespace rpc {
namespace {

template <typename T>
constexpr bool Writes(T value, std::string_view text) {
  FixedBytes<64> body;
  DecimalSerializer().Encode(value, body);
  const auto back = DecimalSerializer().Decode<T>(body.view());
  return body.view() == text && back.ok() && *back == value;
}

template <typename T>
absl::StatusCode CodeOf(std::string_view text) {
  return DecimalSerializer().Decode<T>(text).status().code();
}

template <typename T>
std::string MessageOf(std::string_view text) {
  return std::string(DecimalSerializer().Decode<T>(text).status().message());
}

// The compiler runs both ways.
static_assert(Writes<std::uint64_t>(0, "0"));
static_assert(Writes<std::uint64_t>(9, "9"));
static_assert(Writes<std::uint64_t>(10, "10"));
static_assert(Writes<std::uint64_t>(100, "100"));
static_assert(Writes<std::uint64_t>(2880067194370816120,
                                    "2880067194370816120"));
static_assert(Writes<std::uint64_t>(std::numeric_limits<std::uint64_t>::max(),
                                    "18446744073709551615"));
static_assert(Writes<std::int64_t>(std::numeric_limits<std::int64_t>::min(),
                                   "-9223372036854775808"));
static_assert(Writes<std::int8_t>(-128, "-128"));
static_assert(Writes<std::uint8_t>(255, "255"));
static_assert(Writes<absl::uint128>(absl::Uint128Max(),
                                    "340282366920938463463374607431768211455"));
static_assert(Writes<absl::int128>(absl::Int128Min(),
                                   "-17014118346046923173168730371588410572"
                                   "8"));

static_assert(SerializerFor<DecimalSerializer, std::uint64_t>);
static_assert(SerializerFor<DecimalSerializer, std::int8_t>);
static_assert(SerializerFor<DecimalSerializer, absl::uint128>);
static_assert(!SerializerFor<DecimalSerializer, bool>);
static_assert(!SerializerFor<DecimalSerializer, char>);
static_assert(!SerializerFor<DecimalSerializer, char32_t>);
static_assert(!SerializerFor<DecimalSerializer, double>);
static_assert(!SerializerFor<DecimalSerializer, std::string>);
static_assert(std::is_empty_v<DecimalSerializer>);

TEST(DecimalSerializer, SpeaksPlainText) {
  EXPECT_EQ(DecimalSerializer::kContentType, "text/plain");
}

TEST(DecimalSerializer, WritesEveryPowerOfTenAndItsNeighbours) {
  std::uint64_t power = 1;
  for (int digits = 1; digits <= 20; ++digits) {
    for (const std::uint64_t value : {power - 1, power, power + 1}) {
      EXPECT_TRUE(Writes(value, std::to_string(value))) << value;
    }
    power *= 10;
  }
}

TEST(DecimalSerializer, WritesWideNumbersWithZerosInside) {
  absl::uint128 power = 1;
  std::string zeros;
  for (int digits = 1; digits <= 39; ++digits) {
    EXPECT_TRUE(Writes(power, "1" + zeros)) << digits;
    if (digits > 1) {
      std::string next = "1" + zeros;
      next.back() = '1';
      EXPECT_TRUE(Writes(power + 1, next)) << digits;
    }
    power = power * 10;
    zeros += '0';
  }
}

TEST(DecimalSerializer, WritesIntoAnyByteSink) {
  std::string text = "n=";
  DecimalSerializer().Encode(std::int64_t{-90}, text);
  EXPECT_EQ(text, "n=-90");
}

TEST(DecimalSerializer, RefusesWhatIsNoNumber) {
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {""sv,      " 7"sv,       "7 "sv,  "+7"sv,  "7x"sv,  "x7"sv, "0x7"sv,
        "1_000"sv, "1e3"sv,      "7.0"sv, "-"sv,   "--7"sv, "7-"sv, "7\0"sv,
        "\0"sv,    "\xD9\xA7"sv, "\n7"sv, "7\n"sv, "/"sv,   ":"sv}) {
    EXPECT_EQ(CodeOf<std::uint64_t>(text), absl::StatusCode::kInvalidArgument)
        << text;
    EXPECT_EQ(CodeOf<std::int64_t>(text), absl::StatusCode::kInvalidArgument)
        << text;
    EXPECT_EQ(CodeOf<absl::int128>(text), absl::StatusCode::kInvalidArgument)
        << text;
  }
}

TEST(DecimalSerializer, RefusesASignForUnsigned) {
  for (const std::string_view text : {"-1", "-0", "-18446744073709551616"}) {
    EXPECT_EQ(CodeOf<std::uint64_t>(text), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(CodeOf<absl::uint128>(text), absl::StatusCode::kInvalidArgument);
  }
}

TEST(DecimalSerializer, RefusesWhatDoesNotFit) {
  EXPECT_EQ(CodeOf<std::uint8_t>("256"), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(CodeOf<std::int8_t>("128"), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(CodeOf<std::int8_t>("-129"), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(CodeOf<std::uint64_t>("18446744073709551616"),
            absl::StatusCode::kOutOfRange);
  EXPECT_EQ(CodeOf<std::int64_t>("9223372036854775808"),
            absl::StatusCode::kOutOfRange);
  EXPECT_EQ(CodeOf<std::int64_t>("-9223372036854775809"),
            absl::StatusCode::kOutOfRange);
  EXPECT_EQ(CodeOf<absl::uint128>("340282366920938463463374607431768211456"),
            absl::StatusCode::kOutOfRange);
  EXPECT_EQ(CodeOf<absl::int128>("-170141183460469231731687303715884105729"),
            absl::StatusCode::kOutOfRange);
  // Where the digits, computed modulo 2^64, are a small number again.
  EXPECT_EQ(CodeOf<std::uint64_t>("18446744073709551623"),
            absl::StatusCode::kOutOfRange);
  EXPECT_EQ(CodeOf<std::uint64_t>(std::string(100000, '9')),
            absl::StatusCode::kOutOfRange);
}

TEST(DecimalSerializer, ReadsZerosInFrontAsPythonDoes) {
  EXPECT_EQ(*DecimalSerializer().Decode<std::uint64_t>("007"), 7u);
  EXPECT_EQ(*DecimalSerializer().Decode<std::uint8_t>("000000255"), 255);
  EXPECT_EQ(*DecimalSerializer().Decode<std::int64_t>("-0"), 0);
  EXPECT_EQ(*DecimalSerializer().Decode<std::int64_t>("-007"), -7);
  EXPECT_EQ(*DecimalSerializer().Decode<std::uint64_t>(std::string(1000, '0')),
            0u);
}

TEST(DecimalSerializer, SaysWhatItReadAndWhatToSend) {
  EXPECT_EQ(MessageOf<std::uint8_t>("300"),
            "\"300\" does not fit: send at most 255");
  EXPECT_EQ(MessageOf<std::int8_t>("-300"),
            "\"-300\" does not fit: send at least -128");
  EXPECT_EQ(MessageOf<std::uint64_t>("7\n"),
            "\"7?\" is not a decimal integer: send digits only");
  EXPECT_EQ(MessageOf<std::int64_t>(""),
            "\"\" is not a decimal integer: send digits, after a '-' if "
            "negative");
}

TEST(DecimalSerializer, QuotesALongTextCutShort) {
  const std::string message = MessageOf<std::uint64_t>(std::string(5000, 'x'));
  EXPECT_EQ(message, "\"" + std::string(32, 'x') +
                         "...\" is not a decimal integer: send digits only");
  EXPECT_EQ(MessageOf<absl::int128>(std::string(5000, '9')),
            "\"" + std::string(32, '9') +
                "...\" does not fit: send at most "
                "170141183460469231731687303715884105727");
}

// The least and the largest value, those around zero and some between.
template <typename T>
struct IntegerCase {
  using Serializer = DecimalSerializer;
  using Value = T;
  static std::vector<T> Values() {
    using Limits = std::numeric_limits<T>;
    return {T(0),
            T(1),
            T(7),
            T(99),
            T(100),
            Limits::max(),
            static_cast<T>(Limits::max() - T(1)),
            Limits::min(),
            static_cast<T>(Limits::min() + T(1))};
  }
};

}  // namespace

namespace laws {
using Integers =
    ::testing::Types<IntegerCase<std::int8_t>, IntegerCase<std::uint8_t>,
                     IntegerCase<std::int16_t>, IntegerCase<std::uint16_t>,
                     IntegerCase<int>, IntegerCase<unsigned>, IntegerCase<long>,
                     IntegerCase<unsigned long>, IntegerCase<long long>,
                     IntegerCase<unsigned long long>, IntegerCase<absl::int128>,
                     IntegerCase<absl::uint128>>;
INSTANTIATE_TYPED_TEST_SUITE_P(Decimal, SerializerLaws, Integers);
}  // namespace laws

}  // namespace rpc
