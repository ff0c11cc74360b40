#ifndef TESTS_LAWS_SERIALIZER_LAWS_H_
#define TESTS_LAWS_SERIALIZER_LAWS_H_

#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "rpc/base/bytes.h"
#include "rpc/base/status.h"
#include "rpc/serializer/serializer_policy.h"
#include "tests/laws/broken_law.h"
#include "tests/laws/hostile_texts.h"

// The laws of rpc/serializer/serializer_policy.h, for any serializer. Say what
// is to be tried:
//
//   struct PointCase {
//     using Serializer = PointSerializer;
//     using Value = Point;
//     static std::vector<Point> Values() { return {{0, 0}, {-1, 7}}; }
//     // Optional. If absent, values are compared with ==.
//     static bool Same(const Point& a, const Point& b);
//   };
//
// and instantiate the suite:
//
//   namespace rpc::laws {
//   INSTANTIATE_TYPED_TEST_SUITE_P(Point, SerializerLaws, PointCase);
//   }
//
// Each law is a function, too: OK, or a status whose message begins with the
// law's name. Values may be move-only.
namespace rpc::laws {

template <typename Case>
absl::Status Encoded(const typename Case::Value& value, Bytes& body) {
  const typename Case::Serializer serializer = {};
  if constexpr (std::is_void_v<decltype(serializer.Encode(value, body))>) {
    serializer.Encode(value, body);
    return absl::OkStatus();
  } else {
    return serializer.Encode(value, body);
  }
}

template <typename Case>
auto Decoded(std::string_view body) {
  const typename Case::Serializer serializer = {};
  return serializer.template Decode<typename Case::Value>(body);
}

template <typename Case>
bool SameValue(const typename Case::Value& a, const typename Case::Value& b) {
  if constexpr (requires { Case::Same(a, b); }) {
    return Case::Same(a, b);
  } else {
    return a == b;
  }
}

// Decode(Encode(v)) == v.
template <typename Case>
absl::Status RoundTrip(const typename Case::Value& value) {
  Bytes body;
  const absl::Status status = Encoded<Case>(value, body);
  if (!status.ok()) return Annotate(status, "RoundTrip: Encode refuses");
  const auto decoded = Decoded<Case>(body.view());
  if (!decoded.ok()) {
    return Broken("RoundTrip", "Decode refuses " + Printable(body.view()) +
                                   ": " + decoded.status().ToString());
  }
  if (!SameValue<Case>(*decoded, value)) {
    return Broken("RoundTrip",
                  "another value came back from " + Printable(body.view()));
  }
  return absl::OkStatus();
}

// Encode leaves what was in the body before as it was, and what it appends does
// not depend on that.
template <typename Case>
absl::Status AppendsOnly(const typename Case::Value& value) {
  Bytes alone;
  absl::Status status = Encoded<Case>(value, alone);
  for (const std::string& before : {std::string("7"), std::string(100, '"')}) {
    Bytes body(before);
    status.Update(Encoded<Case>(value, body));
    if (!status.ok()) return Annotate(status, "AppendsOnly: Encode refuses");
    if (body.view() != before + std::string(alone.view())) {
      return Broken("AppendsOnly", "after " + Printable(before) +
                                       " the body is " +
                                       Printable(body.view()));
    }
  }
  return absl::OkStatus();
}

// Decode of Encode(v) followed by something else is not v: it is refused or, if
// the longer text is one of its texts, another value.
template <typename Case>
absl::Status ConsumesAll(const typename Case::Value& value) {
  using namespace std::string_view_literals;
  for (const std::string_view more : {"x"sv, "\0"sv, "}"sv, "\xFF"sv}) {
    Bytes body;
    const absl::Status status = Encoded<Case>(value, body);
    if (!status.ok()) return Annotate(status, "ConsumesAll: Encode refuses");
    body.append(more.data(), more.size());
    const auto decoded = Decoded<Case>(body.view());
    if (decoded.ok() && SameValue<Case>(*decoded, value)) {
      return Broken("ConsumesAll",
                    "Decode ignores the end of " + Printable(body.view()));
    }
  }
  return absl::OkStatus();
}

// Decode returns for every text: no exception, no crash.
template <typename Case>
absl::Status TotalDecode(std::string_view text) {
  try {
    const auto decoded = Decoded<Case>(text);
    if (!decoded.ok() && decoded.status().ok()) {
      return Broken("TotalDecode",
                    "neither a value nor a reason for " + Printable(text));
    }
  } catch (...) {
    return Broken("TotalDecode", "Decode throws on " + Printable(text));
  }
  return absl::OkStatus();
}

// TotalDecode of what is made from the body of `value`, and of noise.
template <typename Case>
absl::Status TotalDecodeAround(const typename Case::Value& value,
                               unsigned seed) {
  Bytes body;
  absl::Status status = Encoded<Case>(value, body);
  HostileTexts(seed).ForEach(std::string(body.view()),
                             [&](std::string_view text) {
                               if (status.ok())
                                 status = TotalDecode<Case>(text);
                             });
  return status;
}

template <typename Case>
class SerializerLaws : public ::testing::Test {};

TYPED_TEST_SUITE_P(SerializerLaws);

TYPED_TEST_P(SerializerLaws, RoundTrip) {
  for (const auto& value : TypeParam::Values()) {
    EXPECT_EQ(laws::RoundTrip<TypeParam>(value), absl::OkStatus());
  }
}

TYPED_TEST_P(SerializerLaws, AppendsOnly) {
  for (const auto& value : TypeParam::Values()) {
    EXPECT_EQ(laws::AppendsOnly<TypeParam>(value), absl::OkStatus());
  }
}

TYPED_TEST_P(SerializerLaws, ConsumesAll) {
  for (const auto& value : TypeParam::Values()) {
    EXPECT_EQ(laws::ConsumesAll<TypeParam>(value), absl::OkStatus());
  }
}

TYPED_TEST_P(SerializerLaws, TotalDecode) {
  unsigned seed = 1;
  for (const auto& value : TypeParam::Values()) {
    EXPECT_EQ(TotalDecodeAround<TypeParam>(value, seed++), absl::OkStatus());
  }
}

REGISTER_TYPED_TEST_SUITE_P(SerializerLaws, RoundTrip, AppendsOnly, ConsumesAll,
                            TotalDecode);

}  // namespace rpc::laws

#endif  // TESTS_LAWS_SERIALIZER_LAWS_H_
