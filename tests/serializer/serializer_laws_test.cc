#include "tests/laws/serializer_laws.h"

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "rpc/base/bytes.h"
#include "rpc/base/outcome.h"
#include "rpc/serializer/serializer_policy.h"

// For each law a serializer that breaks that one: the law says so, by its name,
// and the other laws do not.
namespace rpc::laws {
namespace {

// Keeps all laws: a length in unary, then a semicolon.
struct Unary {
  static constexpr std::string_view kContentType = "text/x-unary";

  void Encode(const int& value, Bytes& body) const {
    const std::string text = std::string(Strokes(value), '|') + ';';
    body.append(text.data(), text.size());
  }
  template <typename T>
  Outcome<int> Decode(std::string_view body) const {
    const std::size_t end = std::min(body.find(';'), body.size());
    if (end + 1 != body.size() || end != body.find_first_not_of('|')) {
      return Refusal(absl::StatusCode::kInvalidArgument, "not unary");
    }
    return static_cast<int>(end);
  }
  static std::size_t Strokes(int value) {
    return static_cast<std::size_t>(value);
  }
};

struct LosesOne : Unary {
  void Encode(const int& value, Bytes& body) const {
    Unary::Encode(value == 0 ? 0 : value - 1, body);
  }
};

struct RefusesItsOwn : Unary {
  template <typename T>
  Outcome<int> Decode(std::string_view) const {
    return Refusal(absl::StatusCode::kInvalidArgument, "never");
  }
};

struct Overwrites : Unary {
  void Encode(const int& value, Bytes& body) const {
    body.clear();
    Unary::Encode(value, body);
  }
};

struct LooksBack : Unary {
  void Encode(const int& value, Bytes& body) const {
    Unary::Encode(body.empty() ? value : value + 1, body);
  }
};

struct IgnoresTheEnd : Unary {
  template <typename T>
  Outcome<int> Decode(std::string_view body) const {
    return Unary::Decode<T>(body.substr(0, body.find(';') + 1));
  }
};

struct Throws : Unary {
  template <typename T>
  Outcome<int> Decode(std::string_view body) const {
    if (body.empty()) throw std::invalid_argument("body");
    return Unary::Decode<T>(body);
  }
};

template <typename S>
struct Case {
  using Serializer = S;
  using Value = int;
  static std::vector<int> Values() { return {0, 3}; }
};

// The names of the laws that S breaks.
template <typename S>
std::vector<std::string> Breaks() {
  std::vector<std::string> broken;
  for (const absl::Status& status :
       {RoundTrip<Case<S>>(3), AppendsOnly<Case<S>>(3), ConsumesAll<Case<S>>(3),
        TotalDecodeAround<Case<S>>(3, 1)}) {
    if (status.ok()) continue;
    const std::string message(status.message());
    broken.push_back(message.substr(0, message.find(':')));
  }
  return broken;
}

using Names = std::vector<std::string>;

TEST(SerializerLaws, HoldForASerializerThatKeepsThem) {
  EXPECT_EQ(Breaks<Unary>(), Names());
}

TEST(SerializerLaws, RoundTripNoticesAnotherValue) {
  EXPECT_EQ(Breaks<LosesOne>(), Names({"RoundTrip"}));
}

TEST(SerializerLaws, RoundTripNoticesARefusal) {
  EXPECT_EQ(Breaks<RefusesItsOwn>(), Names({"RoundTrip"}));
}

TEST(SerializerLaws, AppendsOnlyNoticesAnOverwrittenBody) {
  EXPECT_EQ(Breaks<Overwrites>(), Names({"AppendsOnly"}));
}

TEST(SerializerLaws, AppendsOnlyNoticesALookAtTheBody) {
  EXPECT_EQ(Breaks<LooksBack>(), Names({"AppendsOnly"}));
}

TEST(SerializerLaws, ConsumesAllNoticesAnIgnoredEnd) {
  EXPECT_EQ(Breaks<IgnoresTheEnd>(), Names({"ConsumesAll"}));
}

TEST(SerializerLaws, TotalDecodeNoticesAnException) {
  EXPECT_EQ(Breaks<Throws>(), Names({"TotalDecode"}));
}

static_assert(SerializerFor<Unary, int>);

INSTANTIATE_TYPED_TEST_SUITE_P(Unary, SerializerLaws, Case<Unary>);

}  // namespace
}  // namespace rpc::laws
