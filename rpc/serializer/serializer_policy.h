#ifndef RPC_SERIALIZER_SERIALIZER_POLICY_H_
#define RPC_SERIALIZER_SERIALIZER_POLICY_H_

#include <concepts>
#include <string_view>
#include <type_traits>

#include "absl/status/status.h"
#include "rpc/base/bytes.h"
#include "rpc/base/outcome.h"

// The serializer's seam: typed values to bodies and back.
//
//   struct Serializer {
//     // The MIME type of its bodies.
//     static constexpr std::string_view kContentType;
//
//     // Appends `value` to `body`. May return absl::Status instead of void,
//     // where a value can be one that does not travel.
//     template <typename T>
//     void Encode(const T& value, Bytes& body) const;
//
//     // Reads the whole of `body`. May return absl::StatusOr<T> as well.
//     // INVALID_ARGUMENT: not a T. OUT_OF_RANGE: one, but too large for T.
//     template <typename T>
//     Outcome<T> Decode(std::string_view body) const;
//   };
//
// Only the types that the endpoint's methods use are asked for; a method with
// several arguments asks for their std::tuple. Const members are called from
// many threads at once. To be used in constant expressions too, make both
// members constexpr and let Encode take any ByteSink.
//
// Laws, for every value v and every text t (tests/laws/serializer_laws.h):
//   RoundTrip    Decode(Encode(v)) == v.
//   AppendsOnly  Encode leaves what was in the body before as it was.
//   ConsumesAll  Encode(v) followed by anything is refused or another value.
//   TotalDecode  Decode returns for every t: no exception, no crash.
namespace rpc {

template <typename S>
concept HasContentType = requires {
  { S::kContentType } -> std::convertible_to<std::string_view>;
};

template <typename R>
inline constexpr bool kIsEncodeResult =
    std::is_void_v<R> || std::is_same_v<R, absl::Status>;

template <typename S, typename T>
concept Encodes = requires(const S& serializer, const T& value, Bytes& body) {
  requires kIsEncodeResult<decltype(serializer.Encode(value, body))>;
};

template <typename S, typename T>
concept Decodes = requires(const S& serializer, std::string_view body) {
  requires kIsOutcomeOf<decltype(serializer.template Decode<T>(body)), T>;
};

// All that an endpoint asks of a serializer, for one type.
template <typename S, typename T>
concept SerializerFor = HasContentType<S> && Encodes<S, T> && Decodes<S, T>;

}  // namespace rpc

#endif  // RPC_SERIALIZER_SERIALIZER_POLICY_H_
