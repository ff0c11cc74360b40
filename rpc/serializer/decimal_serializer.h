#ifndef RPC_SERIALIZER_DECIMAL_SERIALIZER_H_
#define RPC_SERIALIZER_DECIMAL_SERIALIZER_H_

#include <string_view>

#include "rpc/base/bytes.h"
#include "rpc/base/outcome.h"
#include "rpc/serializer/decimal_text.h"

namespace rpc {

// Numbers as plain decimal text: what a client in any language sends with
// str(n) and reads with int(body).
//
//   DecimalSerializer serializer;
//   Bytes body;
//   serializer.Encode(std::uint64_t{90}, body);             // "90"
//   Outcome<std::uint64_t> n =
//       serializer.Decode<std::uint64_t>(body.view());      // 90
//
// For the built-in integers (not bool, not the character types), absl::uint128,
// absl::int128 and every type with a DecimalText; constexpr for the former.
//
// Encode writes the one canonical text. Decode is stricter than Python's int():
// an optional '-' for signed types, then digits, and nothing else. No spaces,
// no '+', no '_', no "0x". Leading zeros are read as int() reads them, "007" is
// 7, and "-0" is 0 for signed types; both have one meaning everywhere.
//
// Decode's errors are INVALID_ARGUMENT for what is no number and OUT_OF_RANGE
// for one that does not fit, with the text and the cure. Stateless;
// thread-safe.
class DecimalSerializer {
 public:
  static constexpr std::string_view kContentType = "text/plain";

  template <typename T, ByteSink Sink>
  requires requires(const T& value, Sink& sink) {
    DecimalText<T>::Write(value, sink);
  }
  constexpr auto Encode(const T& value, Sink& body) const {
    return DecimalText<T>::Write(value, body);
  }

  template <typename T>
  requires requires(std::string_view body) { DecimalText<T>::Read(body); }
  constexpr Outcome<T> Decode(std::string_view body) const {
    return DecimalText<T>::Read(body);
  }
};

}  // namespace rpc

#endif  // RPC_SERIALIZER_DECIMAL_SERIALIZER_H_
