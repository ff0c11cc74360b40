#ifndef RPC_MESSAGE_CORRELATION_ID_H_
#define RPC_MESSAGE_CORRELATION_ID_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace rpc {

// The id that a client of this library gives to an attempt: where its call
// waits (`slot`) and 64 random bits (`nonce`) that nobody can guess who was not
// sent them. On the wire 24 hexadecimal digits. A value.
struct CorrelationId {
  static constexpr std::size_t kTextSize = 24;

  std::uint32_t slot = 0;
  std::uint64_t nonce = 0;

  constexpr std::array<char, kTextSize> Text() const {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::array<char, kTextSize> text = {};
    for (std::size_t i = 0; i < 8; ++i) {
      text[i] = kDigits[(slot >> (28 - 4 * i)) & 15];
    }
    for (std::size_t i = 0; i < 16; ++i) {
      text[8 + i] = kDigits[(nonce >> (60 - 4 * i)) & 15];
    }
    return text;
  }

  // Nothing if `text` is not what Text() returns.
  static constexpr std::optional<CorrelationId> Parse(std::string_view text) {
    if (text.size() != kTextSize) return std::nullopt;
    std::uint64_t parts[2] = {};
    for (std::size_t i = 0; i < kTextSize; ++i) {
      const char c = text[i];
      int digit = 0;
      if (c >= '0' && c <= '9') {
        digit = c - '0';
      } else if (c >= 'a' && c <= 'f') {
        digit = c - 'a' + 10;
      } else {
        return std::nullopt;
      }
      std::uint64_t& part = parts[i < 8 ? 0 : 1];
      part = part << 4 | static_cast<std::uint64_t>(digit);
    }
    return CorrelationId{static_cast<std::uint32_t>(parts[0]), parts[1]};
  }

  friend constexpr bool operator==(const CorrelationId&,
                                   const CorrelationId&) = default;
};

}  // namespace rpc

#endif  // RPC_MESSAGE_CORRELATION_ID_H_
