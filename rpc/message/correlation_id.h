#ifndef RPC_MESSAGE_CORRELATION_ID_H_
#define RPC_MESSAGE_CORRELATION_ID_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace rpc {
namespace correlation_id_internal {

inline constexpr std::string_view kDigits = "0123456789abcdef";
inline constexpr std::uint8_t kNoDigit = 255;

// The digits of each byte, and the value of each digit: every call has its id
// written once and read twice.
inline constexpr auto kPairs = [] {
  std::array<char, 512> pairs = {};
  for (std::size_t i = 0; i < 256; ++i) {
    pairs[2 * i] = kDigits[i / 16];
    pairs[2 * i + 1] = kDigits[i % 16];
  }
  return pairs;
}();
inline constexpr auto kValues = [] {
  std::array<std::uint8_t, 256> values = {};
  for (std::uint8_t& value : values) value = kNoDigit;
  for (std::size_t i = 0; i < 16; ++i) {
    values[static_cast<unsigned char>(kDigits[i])] =
        static_cast<std::uint8_t>(i);
  }
  return values;
}();

constexpr void WritePair(std::uint64_t byte, char* text) {
  text[0] = kPairs[2 * byte];
  text[1] = kPairs[2 * byte + 1];
}
constexpr unsigned Value(char c, unsigned& all) {
  const unsigned value = kValues[static_cast<unsigned char>(c)];
  all |= value;
  return value;
}

// One step for each digit or pair of them, without a loop.
template <typename Part, std::size_t... kByte>
constexpr void Write(Part part, char* text, std::index_sequence<kByte...>) {
  (WritePair(part >> (8 * (sizeof(Part) - 1 - kByte)) & 255, text + 2 * kByte),
   ...);
}
// Leaves in `all` a bit above 15 if not all are digits.
template <typename Part, std::size_t... kDigit>
constexpr Part Read(const char* text, unsigned& all,
                    std::index_sequence<kDigit...>) {
  Part part = 0;
  ((part = static_cast<Part>(part << 4 | Value(text[kDigit], all))), ...);
  return part;
}

}  // namespace correlation_id_internal

// The id that a client of this library gives to an attempt: where its call
// waits (`slot`) and 64 random bits (`nonce`) that nobody can guess who was not
// sent them. On the wire 24 hexadecimal digits. A value.
struct CorrelationId {
  static constexpr std::size_t kTextSize = 24;

  std::uint32_t slot = 0;
  std::uint64_t nonce = 0;

  constexpr std::array<char, kTextSize> Text() const {
    std::array<char, kTextSize> text = {};
    using correlation_id_internal::Write;
    Write(slot, text.data(), std::make_index_sequence<4>());
    Write(nonce, text.data() + 8, std::make_index_sequence<8>());
    return text;
  }

  // Nothing if `text` is not what Text() returns.
  static constexpr std::optional<CorrelationId> Parse(std::string_view text) {
    if (text.size() != kTextSize) return std::nullopt;
    using correlation_id_internal::Read;
    unsigned all = 0;
    const auto slot =
        Read<std::uint32_t>(text.data(), all, std::make_index_sequence<8>());
    const auto nonce = Read<std::uint64_t>(text.data() + 8, all,
                                           std::make_index_sequence<16>());
    if (all > 15) return std::nullopt;
    return CorrelationId{slot, nonce};
  }

  friend constexpr bool operator==(const CorrelationId&,
                                   const CorrelationId&) = default;
};

}  // namespace rpc

#endif  // RPC_MESSAGE_CORRELATION_ID_H_
