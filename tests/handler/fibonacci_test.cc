#include "rpc/handler/fibonacci.h"

#include <gmpxx.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "rpc/base/outcome.h"
#include "rpc/handler/handler_policy.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/serializer/gmp_integer.h"
#include "tests/laws/handler_laws.h"

namespace rpc {
namespace {

constexpr Outcome<std::uint64_t> kNinety = Fibonacci<std::uint64_t>()(90);
static_assert(*kNinety == 2880067194370816120);
constexpr Outcome<absl::uint128> kLast = Fibonacci<absl::uint128>()(186);
static_assert(*kLast ==
              absl::MakeUint128(18042485370706291343u, 14458561666841997560u));
constexpr Outcome<std::uint64_t> kRefused = Fibonacci<std::uint64_t>()(94);
static_assert(kRefused.refusal().code() == absl::StatusCode::kOutOfRange);

static_assert(std::is_empty_v<Fibonacci<std::uint64_t>>);
static_assert(std::is_empty_v<Fibonacci<absl::uint128>>);
static_assert(Handles<Fibonacci<mpz_class>, Fibonacci<mpz_class>::Method>);
static_assert(std::is_same_v<
              Fibonacci<int>::Method,
              rpc::Method<"fibonacci", int(std::uint64_t), Idempotent::kYes>>);

// The largest n of each type, as Python's integers have it.
static_assert(Fibonacci<std::int8_t>::kMaxN == 11);
static_assert(Fibonacci<std::uint8_t>::kMaxN == 13);
static_assert(Fibonacci<std::int16_t>::kMaxN == 23);
static_assert(Fibonacci<std::uint16_t>::kMaxN == 24);
static_assert(Fibonacci<std::int32_t>::kMaxN == 46);
static_assert(Fibonacci<std::uint32_t>::kMaxN == 47);
static_assert(Fibonacci<std::int64_t>::kMaxN == 92);
static_assert(Fibonacci<std::uint64_t>::kMaxN == 93);
static_assert(Fibonacci<absl::int128>::kMaxN == 184);
static_assert(Fibonacci<absl::uint128>::kMaxN == 186);

// 64-bit FNV-1a, by which texts are compared with those of Python.
class Fingerprint {
 public:
  void Add(std::string_view text) {
    for (const char c : text) {
      hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    }
  }
  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325;
};

template <typename Integer>
std::string TextOf(const Outcome<Integer>& number) {
  std::string text;
  if (number.ok()) {
    static_cast<void>(DecimalSerializer().Encode(*number, text));
  } else {
    text = std::string(number.refusal().message());
  }
  return text;
}

// Of the numbers from 0 to `last`, a line each.
template <typename Integer>
std::uint64_t FingerprintUpTo(std::uint64_t last) {
  Fingerprint fingerprint;
  for (std::uint64_t n = 0; n <= last; ++n) {
    fingerprint.Add(TextOf(Fibonacci<Integer>()(n)) + "\n");
  }
  return fingerprint.value();
}

TEST(Fibonacci, EachNumberIsPythons) {
  EXPECT_EQ(FingerprintUpTo<std::int64_t>(92), 0x7e01c29daadaf78bu);
  EXPECT_EQ(FingerprintUpTo<std::uint64_t>(93), 0xf4d2e50f77639c60u);
  EXPECT_EQ(FingerprintUpTo<absl::int128>(184), 0x4c01fe703680dc75u);
  EXPECT_EQ(FingerprintUpTo<absl::uint128>(186), 0x9fbbbc9aab1daa2du);
  EXPECT_EQ(FingerprintUpTo<mpz_class>(300), 0xf2e45bce27c6c2f2u);
}

TEST(Fibonacci, LargeNumbersArePythons) {
  struct Number {
    std::uint64_t n;
    std::size_t digits;
    std::uint64_t fingerprint;
  };
  for (const Number& number : {Number{1000, 209, 0x218d73039ea95dae},
                               Number{10000, 2090, 0xc27c7631134436e6},
                               Number{99999, 20899, 0x1534917abeb50b97},
                               Number{100000, 20899, 0x650c65e0f0ffeaef}}) {
    const std::string text = TextOf(Fibonacci<mpz_class>()(number.n));
    Fingerprint fingerprint;
    fingerprint.Add(text);
    EXPECT_EQ(text.size(), number.digits) << number.n;
    EXPECT_EQ(fingerprint.value(), number.fingerprint) << number.n;
  }
}

TEST(Fibonacci, KnownNumbers) {
  EXPECT_EQ(*Fibonacci<std::uint64_t>()(0), 0u);
  EXPECT_EQ(*Fibonacci<std::uint64_t>()(1), 1u);
  EXPECT_EQ(*Fibonacci<std::uint64_t>()(2), 1u);
  EXPECT_EQ(*Fibonacci<std::uint64_t>()(93), 12200160415121876738u);
  EXPECT_EQ(TextOf(Fibonacci<absl::uint128>()(186)),
            "332825110087067562321196029789634457848");
  EXPECT_EQ(TextOf(Fibonacci<mpz_class>()(150)),
            "9969216677189303386214405760200");
}

TEST(Fibonacci, SaysTheLargestNAllowed) {
  EXPECT_EQ(Fibonacci<std::uint64_t>()(94).status(),
            absl::OutOfRangeError(
                "n = 94 is too large; the largest n allowed is 93"));
  EXPECT_EQ(Fibonacci<absl::uint128>()(187).status(),
            absl::OutOfRangeError(
                "n = 187 is too large; the largest n allowed is 186"));
  EXPECT_EQ(Fibonacci<mpz_class>()(100'001).status(),
            absl::OutOfRangeError(
                "n = 100001 is too large; the largest n allowed is 100000"));
  EXPECT_FALSE(
      Fibonacci<std::uint64_t>()(std::numeric_limits<std::uint64_t>::max())
          .ok());
}

TEST(Fibonacci, CeilingOfUnboundedIntegersIsAnOption) {
  const Fibonacci<mpz_class> handler({.max_n = 10});
  EXPECT_EQ(*handler(10), 55);
  EXPECT_EQ(handler(11).status(),
            absl::OutOfRangeError(
                "n = 11 is too large; the largest n allowed is 10"));
}

template <typename Integer>
struct FibonacciCase {
  using Handler = Fibonacci<Integer>;
  static Handler Make() { return Handler(); }
  static std::vector<std::tuple<std::uint64_t>> Arguments() {
    return {{0},  {1},    {93},
            {94}, {1000}, {std::numeric_limits<std::uint64_t>::max()}};
  }
};

}  // namespace

namespace laws {
using FibonacciCases =
    ::testing::Types<FibonacciCase<std::uint64_t>, FibonacciCase<absl::uint128>,
                     FibonacciCase<mpz_class>>;
INSTANTIATE_TYPED_TEST_SUITE_P(Fibonacci, HandlerLaws, FibonacciCases);
}  // namespace laws

}  // namespace rpc
