#ifndef RPC_SERIALIZER_DECIMAL_TEXT_H_
#define RPC_SERIALIZER_DECIMAL_TEXT_H_

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>

#include "absl/numeric/int128.h"
#include "absl/status/status.h"
#include "rpc/base/bytes.h"
#include "rpc/base/outcome.h"

namespace rpc {

// How one number type is written and read as decimal text: digits, with a '-'
// in front if negative, as Python's str() gives an int.
//
// Here for the built-in integers and for absl::uint128 and absl::int128, in
// constant expressions too. For a number type of your own specialise it, as
// rpc/serializer/gmp_integer.h does:
//
//   template <>
//   struct rpc::DecimalText<MyInteger> {
//     // Appends the text. May return absl::Status instead of void.
//     template <rpc::ByteSink Sink>
//     static void Write(const MyInteger& value, Sink& sink);
//     // Reads the whole of `text`; total on every input.
//     static rpc::Outcome<MyInteger> Read(std::string_view text);
//   };
template <typename T>
struct DecimalText;

// What Read() refuses with: INVALID_ARGUMENT for a text that is no number, and
// OUT_OF_RANGE for one that does not fit (`bound` as in "at most 255"). Both
// quote the text, cut short, with '?' for what cannot be printed.
constexpr Refusal NotDecimal(std::string_view text, std::string_view cure);
constexpr Refusal DecimalOutOfRange(std::string_view text,
                                    std::string_view bound);

namespace decimal_internal {

constexpr Refusal& Quote(std::string_view text, Refusal& refusal) {
  constexpr std::size_t kMaxQuoted = 32;
  refusal.Append("\"");
  for (const char c : text.substr(0, kMaxQuoted)) {
    const char printable = c >= ' ' && c <= '~' ? c : '?';
    refusal.Append(std::string_view(&printable, 1));
  }
  return refusal.Append(text.size() > kMaxQuoted ? "...\"" : "\"");
}

template <typename T>
inline constexpr bool kIsWide =
    std::is_same_v<T, absl::uint128> || std::is_same_v<T, absl::int128>;

template <typename T>
inline constexpr bool kIsCharacter =
    std::is_same_v<T, char> || std::is_same_v<T, wchar_t> ||
    std::is_same_v<T, char8_t> || std::is_same_v<T, char16_t> ||
    std::is_same_v<T, char32_t>;

template <typename T>
concept FixedInteger = kIsWide<T> ||
    (std::integral<T> && !std::is_same_v<T, bool> && !kIsCharacter<T>);

// Absolute values are computed in one of two types.
template <typename T>
using Magnitude = std::conditional_t<kIsWide<T>, absl::uint128, std::uint64_t>;

// "00" to "99", so that two digits cost one division.
inline constexpr std::array<char, 200> kDigitPairs = [] {
  std::array<char, 200> pairs = {};
  for (std::size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

// Writes the digits of `value` up to `end`; returns where they begin.
constexpr char* WriteDigits(std::uint64_t value, char* end) {
  while (value >= 100) {
    const std::uint64_t pair = value % 100 * 2;
    value /= 100;
    *--end = kDigitPairs[pair + 1];
    *--end = kDigitPairs[pair];
  }
  if (value >= 10) {
    *--end = kDigitPairs[value * 2 + 1];
    *--end = kDigitPairs[value * 2];
  } else {
    *--end = static_cast<char>('0' + value);
  }
  return end;
}

// By hand, nine digits at a time, because abseil's division is slow and not
// constexpr.
constexpr char* WriteDigits(absl::uint128 value, char* end) {
  constexpr std::uint64_t kBillion = 1'000'000'000;
  const std::uint64_t high = absl::Uint128High64(value);
  const std::uint64_t low = absl::Uint128Low64(value);
  std::uint64_t limbs[] = {high >> 32, high & 0xFFFFFFFF, low >> 32,
                           low & 0xFFFFFFFF};
  while (limbs[0] != 0 || limbs[1] != 0) {
    std::uint64_t rest = 0;
    for (std::uint64_t& limb : limbs) {
      const std::uint64_t dividend = rest << 32 | limb;
      limb = dividend / kBillion;
      rest = dividend % kBillion;
    }
    char* digits = WriteDigits(rest, end);
    end -= 9;
    while (digits > end) *--digits = '0';
  }
  return WriteDigits(limbs[2] << 32 | limbs[3], end);
}

constexpr std::uint64_t TimesTenPlus(std::uint64_t value, unsigned digit) {
  return value * 10 + digit;
}
constexpr absl::uint128 TimesTenPlus(absl::uint128 value, unsigned digit) {
  return (value << 3) + (value << 1) + digit;
}

// The text of one value, in itself.
template <FixedInteger T>
class NumberText {
 public:
  constexpr explicit NumberText(T value) {
    using U = Magnitude<T>;
    char* const end = buffer_ + sizeof(buffer_);
    begin_ = end;
    if constexpr (std::numeric_limits<T>::is_signed) {
      if (value < 0) {
        begin_ = WriteDigits(U(0) - static_cast<U>(value), end);
        *--begin_ = '-';
        return;
      }
    }
    begin_ = WriteDigits(static_cast<U>(value), end);
  }
  NumberText(const NumberText&) = delete;
  NumberText& operator=(const NumberText&) = delete;

  constexpr std::string_view view() const {
    return {begin_,
            static_cast<std::size_t>(buffer_ + sizeof(buffer_) - begin_)};
  }

 private:
  char buffer_[kIsWide<T> ? 40 : 20] = {};
  char* begin_ = nullptr;
};

// Bounds are compared as texts, which also makes the messages.
template <FixedInteger T>
inline constexpr NumberText<T> kMinText{std::numeric_limits<T>::min()};
template <FixedInteger T>
inline constexpr NumberText<T> kMaxText{std::numeric_limits<T>::max()};

// True if `digits`, without leading zeros, are those of a larger number.
constexpr bool Exceeds(std::string_view digits, std::string_view bound) {
  return digits.size() > bound.size() ||
         (digits.size() == bound.size() && digits > bound);
}

}  // namespace decimal_internal

constexpr Refusal NotDecimal(std::string_view text, std::string_view cure) {
  Refusal refusal(absl::StatusCode::kInvalidArgument);
  return decimal_internal::Quote(text, refusal)
      .Append(" is not a decimal integer: ")
      .Append(cure);
}

constexpr Refusal DecimalOutOfRange(std::string_view text,
                                    std::string_view bound) {
  Refusal refusal(absl::StatusCode::kOutOfRange);
  return decimal_internal::Quote(text, refusal)
      .Append(" does not fit: send ")
      .Append(bound);
}

template <decimal_internal::FixedInteger T>
struct DecimalText<T> {
  template <ByteSink Sink>
  static constexpr void Write(const T& value, Sink& sink) {
    const decimal_internal::NumberText<T> text(value);
    sink.append(text.view().data(), text.view().size());
  }

  static constexpr Outcome<T> Read(std::string_view text) {
    namespace internal = decimal_internal;
    using U = internal::Magnitude<T>;
    std::string_view digits = text;
    const bool negative = kSigned && digits.starts_with('-');
    if (negative) digits.remove_prefix(1);
    if (digits.empty()) return NotNumber(text);
    U value(0);
    for (const char c : digits) {
      const auto digit = static_cast<unsigned char>(c - '0');
      if (digit > 9) return NotNumber(text);
      value = internal::TimesTenPlus(value, digit);
    }
    std::string_view bound = kMaxText;
    if (negative) bound = kMinText.substr(1);
    // Shorter than the bound is the common case; more digits may be zeros.
    if (digits.size() >= bound.size()) {
      while (digits.starts_with('0')) digits.remove_prefix(1);
      if (internal::Exceeds(digits, bound)) return TooLarge(text, negative);
    }
    return static_cast<T>(negative ? U(0) - value : value);
  }

 private:
  static constexpr bool kSigned = std::numeric_limits<T>::is_signed;
  static constexpr std::string_view kMinText =
      decimal_internal::kMinText<T>.view();
  static constexpr std::string_view kMaxText =
      decimal_internal::kMaxText<T>.view();

  static constexpr Refusal NotNumber(std::string_view text) {
    return NotDecimal(text, kSigned ? "send digits, after a '-' if negative"
                                    : "send digits only");
  }
  static constexpr Refusal TooLarge(std::string_view text, bool negative) {
    FixedBytes<64> bound;
    bound.append(negative ? "at least " : "at most ", negative ? 9 : 8);
    const std::string_view number = negative ? kMinText : kMaxText;
    bound.append(number.data(), number.size());
    return DecimalOutOfRange(text, bound.view());
  }
};

}  // namespace rpc

#endif  // RPC_SERIALIZER_DECIMAL_TEXT_H_
