#ifndef EXAMPLES_OWN_SERIALIZER_H_
#define EXAMPLES_OWN_SERIALIZER_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "rpc/base/bytes.h"
#include "rpc/base/outcome.h"

namespace examples {

// Integers in network byte order: a fixed number of bytes for each type.
struct BigEndianSerializer {
  static constexpr std::string_view kContentType = "application/octet-stream";

  template <std::integral T, rpc::ByteSink Sink>
  constexpr void Encode(T value, Sink& body) const {
    char bytes[sizeof(T)] = {};
    auto bits = static_cast<std::uint64_t>(value);
    for (std::size_t i = sizeof(T); i-- > 0; bits >>= 8) {
      bytes[i] = static_cast<char>(bits & 0xff);
    }
    body.append(bytes, sizeof(T));
  }

  template <std::integral T>
  constexpr rpc::Outcome<T> Decode(std::string_view body) const {
    if (body.size() != sizeof(T)) {
      return rpc::Refusal(absl::StatusCode::kInvalidArgument, "a body of ")
          .Append(body.size())
          .Append(" bytes; expected ")
          .Append(sizeof(T));
    }
    std::uint64_t bits = 0;
    for (const char byte : body) {
      bits = bits << 8 | static_cast<unsigned char>(byte);
    }
    return static_cast<T>(bits);
  }
};

}  // namespace examples

#endif  // EXAMPLES_OWN_SERIALIZER_H_
