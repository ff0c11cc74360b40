#include "rpc/serializer/json_serializer.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "rpc/base/bytes.h"
#include "rpc/serializer/serializer_policy.h"
#include "tests/laws/serializer_laws.h"

namespace rpc {
namespace {

struct Point {
  int x = 0;
  int y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Point, x, y)

// Move-only and without a default.
class Ticket {
 public:
  explicit Ticket(int number) : number_(std::make_unique<int>(number)) {}
  int number() const { return *number_; }
  friend bool operator==(const Ticket& a, const Ticket& b) {
    return a.number() == b.number();
  }

 private:
  std::unique_ptr<int> number_;
};

// Not to be had from JSON.
struct Thrower {};
void to_json(nlohmann::json&, const Thrower&) { throw 7; }
void from_json(const nlohmann::json&, Thrower&) {
  throw std::runtime_error("no Thrower today");
}

struct NoJson {};

}  // namespace
}  // namespace rpc

template <>
struct nlohmann::adl_serializer<rpc::Ticket> {
  static void to_json(json& j, const rpc::Ticket& ticket) {
    j = ticket.number();
  }
  static rpc::Ticket from_json(const json& j) {
    return rpc::Ticket(j.get<int>());
  }
};

namespace rpc {
namespace {

static_assert(SerializerFor<JsonSerializer, int>);
static_assert(SerializerFor<JsonSerializer, Point>);
static_assert(SerializerFor<JsonSerializer, Ticket>);
static_assert(SerializerFor<JsonSerializer, std::tuple<int, Ticket>>);
static_assert(SerializerFor<JsonSerializer, nlohmann::json>);
static_assert(!SerializerFor<JsonSerializer, NoJson>);

template <typename T>
absl::StatusCode CodeOf(std::string_view text) {
  return JsonSerializer().Decode<T>(text).status().code();
}

template <typename T>
std::string TextOf(const T& value) {
  std::string text;
  EXPECT_TRUE(JsonSerializer().Encode(value, text).ok());
  return text;
}

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kTooLarge = absl::StatusCode::kOutOfRange;

TEST(JsonSerializer, WritesCompactJson) {
  EXPECT_EQ(JsonSerializer::kContentType, "application/json");
  EXPECT_EQ(TextOf(Point{1, -2}), R"({"x":1,"y":-2})");
  EXPECT_EQ(TextOf(std::tuple(1, std::string("a"), true)), R"([1,"a",true])");
  EXPECT_EQ(TextOf(Ticket(7)), "7");
}

TEST(JsonSerializer, ReadsSpacesAroundTheText) {
  EXPECT_EQ(*JsonSerializer().Decode<Point>(" {\"x\": 1,\n \"y\": 2} "),
            (Point{1, 2}));
}

TEST(JsonSerializer, RefusesWhatIsNotOneJsonText) {
  for (const std::string_view text :
       {"", "7 8", "7x", "[1", "1]", "nul", "'a'", "{\"x\":1,}", "// 7\n7",
        "\"\xFF\"", "\"\\ud800\"", "NaN", "+7", "007", "\"a"}) {
    EXPECT_EQ(CodeOf<nlohmann::json>(text), kInvalid) << text;
  }
  EXPECT_EQ(CodeOf<int>(std::string_view("7\0", 2)), kInvalid);
}

TEST(JsonSerializer, RefusesOtherTypes) {
  EXPECT_EQ(CodeOf<int>("\"7\""), kInvalid);
  EXPECT_EQ(CodeOf<int>("true"), kInvalid);
  EXPECT_EQ(CodeOf<int>("null"), kInvalid);
  EXPECT_EQ(CodeOf<bool>("1"), kInvalid);
  EXPECT_EQ(CodeOf<double>("true"), kInvalid);
  EXPECT_EQ(CodeOf<std::string>("7"), kInvalid);
  EXPECT_EQ(CodeOf<Point>("[1,2]"), kInvalid);
  EXPECT_EQ(CodeOf<Point>("{\"x\":1}"), kInvalid);
  EXPECT_EQ((CodeOf<std::map<std::string, int>>("[1]")), kInvalid);
  EXPECT_EQ(CodeOf<std::vector<int>>("{\"a\":1}"), kInvalid);
}

TEST(JsonSerializer, NeverNarrowsANumber) {
  EXPECT_EQ(CodeOf<int>("1.5"), kInvalid);
  EXPECT_EQ(CodeOf<int>("7.0"), kInvalid);
  EXPECT_EQ(CodeOf<std::uint8_t>("300"), kTooLarge);
  EXPECT_EQ(CodeOf<std::uint64_t>("-1"), kTooLarge);
  EXPECT_EQ(CodeOf<int>("2147483648"), kTooLarge);
  EXPECT_EQ(CodeOf<std::uint64_t>("18446744073709551616"), kTooLarge);
  EXPECT_EQ(CodeOf<double>("1e999"), kTooLarge);
  EXPECT_EQ(CodeOf<float>("1e39"), kTooLarge);
  EXPECT_EQ(CodeOf<std::vector<std::uint8_t>>("[1,300]"), kTooLarge);
  EXPECT_EQ((CodeOf<std::map<std::string, std::int8_t>>("{\"a\":200}")),
            kTooLarge);
  EXPECT_EQ((CodeOf<std::tuple<int, std::vector<std::uint8_t>>>("[1,[256]]")),
            kTooLarge);
  EXPECT_EQ(*JsonSerializer().Decode<double>("7"), 7.0);
}

TEST(JsonSerializer, ReadsATupleOfExactlyItsSize) {
  using Pair = std::tuple<int, std::string>;
  EXPECT_EQ(*JsonSerializer().Decode<Pair>("[1,\"a\"]"), Pair(1, "a"));
  EXPECT_EQ(CodeOf<Pair>("[1]"), kInvalid);
  EXPECT_EQ(CodeOf<Pair>("[1,\"a\",2]"), kInvalid);
  EXPECT_EQ(CodeOf<Pair>("7"), kInvalid);
}

TEST(JsonSerializer, LimitsDepth) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_EQ(CodeOf<nlohmann::json>(nested(64)), absl::StatusCode::kOk);
  EXPECT_EQ(CodeOf<nlohmann::json>(nested(65)), kInvalid);
  EXPECT_EQ(CodeOf<nlohmann::json>(std::string(1 << 20, '[')), kInvalid);
  EXPECT_EQ(CodeOf<nlohmann::json>("\"" + std::string(100, '[') + "\""),
            absl::StatusCode::kOk);
  EXPECT_EQ(CodeOf<nlohmann::json>("[\"\\\"" + nested(65) + "\"]"),
            absl::StatusCode::kOk);
}

TEST(JsonSerializer, DoesNotWriteWhatCannotBeRead) {
  nlohmann::json deep = 7;
  for (int i = 0; i < 64; ++i) deep = nlohmann::json::array({deep});
  std::string body = "before";
  EXPECT_TRUE(JsonSerializer().Encode(deep, body).ok());
  body = "before";
  const nlohmann::json deeper = nlohmann::json::array({deep});
  EXPECT_EQ(JsonSerializer().Encode(deeper, body).code(), kInvalid);
  EXPECT_EQ(JsonSerializer().Encode(std::string("\xFF"), body).code(),
            kInvalid);
  EXPECT_EQ(
      JsonSerializer().Encode(std::vector{1.0, std::nan("")}, body).code(),
      kInvalid);
  EXPECT_EQ(JsonSerializer()
                .Encode(std::numeric_limits<double>::infinity(), body)
                .code(),
            kInvalid);
  EXPECT_EQ(body, "before");
}

TEST(JsonSerializer, LetsNoExceptionOut) {
  const auto decoded = JsonSerializer().Decode<Thrower>("7");
  EXPECT_EQ(decoded.status().code(), kInvalid);
  EXPECT_EQ(decoded.status().message(), "no Thrower today");
  Bytes body;
  EXPECT_EQ(JsonSerializer().Encode(Thrower(), body).code(), kInvalid);
}

TEST(JsonSerializer, KeepsMessagesShort) {
  const auto decoded =
      JsonSerializer().Decode<int>("\"" + std::string(1 << 20, 'x'));
  EXPECT_LE(decoded.status().message().size(), 300u);
}

template <typename T>
struct ValueCase {
  using Serializer = JsonSerializer;
  using Value = T;
};
struct Int64Case : ValueCase<std::int64_t> {
  static std::vector<std::int64_t> Values() {
    return {0, -1, std::numeric_limits<std::int64_t>::min(),
            std::numeric_limits<std::int64_t>::max()};
  }
};
struct Uint64Case : ValueCase<std::uint64_t> {
  static std::vector<std::uint64_t> Values() {
    return {0, std::numeric_limits<std::uint64_t>::max()};
  }
};
struct DoubleCase : ValueCase<double> {
  static std::vector<double> Values() {
    return {0.0, 0.1, -1e300, 5e-324, std::numeric_limits<double>::max()};
  }
};
struct StringCase : ValueCase<std::string> {
  static std::vector<std::string> Values() {
    return {"", "a\"\\\n", std::string("\0", 1), "\xC3\xA9\xF0\x9F\x90\xB0"};
  }
};
struct TupleCase : ValueCase<std::tuple<int, std::string, std::vector<bool>>> {
  static std::vector<Value> Values() {
    return {{1, "a", {}}, {-7, "", {true, false}}};
  }
};
struct PointCase : ValueCase<Point> {
  static std::vector<Point> Values() { return {{0, 0}, {-1, 7}}; }
};
struct TicketCase : ValueCase<Ticket> {
  static std::vector<Ticket> Values() {
    std::vector<Ticket> tickets;
    tickets.emplace_back(7);
    return tickets;
  }
};

}  // namespace

namespace laws {
using JsonCases =
    ::testing::Types<Int64Case, Uint64Case, DoubleCase, StringCase, TupleCase,
                     PointCase, TicketCase>;
INSTANTIATE_TYPED_TEST_SUITE_P(Json, SerializerLaws, JsonCases);
}  // namespace laws

}  // namespace rpc
