#include <gmpxx.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "rpc/rpc.h"
#include "rpc/serializer/gmp_integer.h"
#include "rpc/serializer/json_serializer.h"

// The examples in the comments of the library's headers, as they stand there:
// docs_test compares them.

// json_serializer.h

struct Point {
  int x;
  int y;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Point, x, y)

struct Ticket {
  explicit Ticket(int n) : number(n) {}
  Ticket(Ticket&&) = default;
  int number;
};

template <>
struct nlohmann::adl_serializer<Ticket> {
  static void to_json(json& j, const Ticket& ticket);
  static Ticket from_json(const json& j);
};

void nlohmann::adl_serializer<Ticket>::to_json(json& j, const Ticket& ticket) {
  j = ticket.number;
}
Ticket nlohmann::adl_serializer<Ticket>::from_json(const json& j) {
  return Ticket(j.get<int>());
}

// decimal_text.h

struct MyInteger {
  std::int64_t value;
};

template <>
struct rpc::DecimalText<MyInteger> {
  // Appends the text. May return absl::Status instead of void.
  template <rpc::ByteSink Sink>
  static void Write(const MyInteger& value, Sink& sink);
  // Reads the whole of `text`; total on every input.
  static rpc::Outcome<MyInteger> Read(std::string_view text);
};

template <rpc::ByteSink Sink>
void rpc::DecimalText<MyInteger>::Write(const MyInteger& value, Sink& sink) {
  DecimalText<std::int64_t>::Write(value.value, sink);
}
rpc::Outcome<MyInteger> rpc::DecimalText<MyInteger>::Read(
    std::string_view text) {
  const Outcome<std::int64_t> value = DecimalText<std::int64_t>::Read(text);
  if (!value.ok()) {
    return NotDecimal(text, "send digits, after a '-' if negative");
  }
  return MyInteger{*value};
}

namespace rpc {
namespace {

// The value after its way through a body.
template <typename T, typename Serializer>
auto ThereAndBack(const Serializer& serializer, const T& value) {
  Bytes body;
  static_cast<void>(serializer.Encode(value, body));
  return serializer.template Decode<T>(body.view());
}

TEST(Doors, JsonSerializerTakesOnesOwnTypes) {
  const auto point = ThereAndBack(JsonSerializer(), Point{3, -4});
  ASSERT_TRUE(point.ok());
  EXPECT_EQ(point->x, 3);
  EXPECT_EQ(point->y, -4);
  const auto ticket = ThereAndBack(JsonSerializer(), Ticket(7));
  ASSERT_TRUE(ticket.ok());
  EXPECT_EQ(ticket->number, 7);
}

TEST(Doors, DecimalTextTakesOnesOwnNumber) {
  const auto number = ThereAndBack(DecimalSerializer(), MyInteger{-12});
  ASSERT_TRUE(number.ok());
  EXPECT_EQ((*number).value, -12);
}

TEST(Doors, DecimalSerializerWritesAndReads) {
  DecimalSerializer serializer;
  Bytes body;
  serializer.Encode(std::uint64_t{90}, body);  // "90"
  Outcome<std::uint64_t> n =
      serializer.Decode<std::uint64_t>(body.view());  // 90
  EXPECT_EQ(body.view(), "90");
  EXPECT_EQ(*n, 90u);
}

struct Double {
  using Method = rpc::Method<"double", std::int64_t(std::int64_t)>;
  std::int64_t operator()(std::int64_t x) const { return 2 * x; }
};

absl::StatusOr<std::int64_t> CallDouble(
    const std::shared_ptr<MemoryBroker>& broker) {
  using Doubler =
      rpc::RpcEndpoint<rpc::MemoryTransport, rpc::DecimalSerializer, Double>;
  auto endpoint = Doubler::Open({.transport = {.broker = broker}});
  if (!endpoint.ok()) return endpoint.status();
  absl::StatusOr<std::int64_t> four = endpoint->Call(2);
  return four;
}

TEST(Doors, EndpointCalls) {
  const auto broker = std::make_shared<MemoryBroker>();
  auto server = RpcEndpoint<MemoryTransport, DecimalSerializer, Double>::Open(
      {.transport = {.broker = broker}});
  ASSERT_TRUE(server.ok());
  const auto serving = server->ServeInBackground();
  ASSERT_TRUE(serving.ok());
  const auto four = CallDouble(broker);
  ASSERT_TRUE(four.ok()) << four.status();
  EXPECT_EQ(*four, 4);
}

TEST(Doors, MemoryBrokerIsWhereTransportsMeet) {
  auto broker = std::make_shared<rpc::MemoryBroker>();
  rpc::MemoryTransport server({.broker = broker, .queue = "fibonacci"});
  rpc::MemoryTransport client({.broker = broker, .queue = "fibonacci"});
  EXPECT_TRUE(server.Open(Deadline()).ok());
  EXPECT_TRUE(client.Open(Deadline()).ok());
}

TEST(Doors, FibonacciIsAConstant) {
  constexpr Outcome<std::uint64_t> kNumber = Fibonacci<std::uint64_t>()(90);
  static_assert(*kNumber == 2880067194370816120);
}

static_assert(RoundTrip<DecimalSerializer, Fibonacci<std::uint64_t>>(90) ==
              2880067194370816120);

TEST(Doors, MemoizedRemembersFibonacciNumbers) {
  using Handler = Memoized<Fibonacci<mpz_class>>;
  const Handler handler;
  EXPECT_EQ(*handler(94), mpz_class("19740274219868223167"));
}

using Add = rpc::Method<"add", std::int64_t(std::int64_t, std::int64_t)>;
using Multiply = Method<"multiply", std::int64_t(std::int64_t, std::int64_t)>;

struct AddHandler {
  using Method = Add;
  std::int64_t operator()(std::int64_t a, std::int64_t b) const {
    return a + b;
  }
};
struct MultiplyHandler {
  using Method = Multiply;
  std::int64_t operator()(std::int64_t a, std::int64_t b) const {
    return a * b;
  }
};

using CalculatorClient =
    RpcEndpoint<MemoryTransport, JsonSerializer, Service<Add, Multiply>>;

void CallCalculator(CalculatorClient& client) {
  using Calculator = Service<Add, Multiply>;
  const auto five = client.Stub<"add">().Call(2, 3);
  ASSERT_TRUE(five.ok()) << five.status();
  EXPECT_EQ(*five, 5);
  static_assert(
      std::is_same_v<CalculatorClient,
                     RpcEndpoint<MemoryTransport, JsonSerializer, Calculator>>);
}

TEST(Doors, ServiceIsCalledByMethod) {
  const auto broker = std::make_shared<MemoryBroker>();
  auto server = RpcEndpoint<
      MemoryTransport, JsonSerializer,
      Service<AddHandler, MultiplyHandler>>::Open({.transport = {.broker =
                                                                     broker}});
  auto client = CalculatorClient::Open({.transport = {.broker = broker}});
  ASSERT_TRUE(server.ok() && client.ok());
  const auto serving = server->ServeInBackground();
  ASSERT_TRUE(serving.ok());
  CallCalculator(*client);
  EXPECT_EQ(server->server_counters().succeeded, 1u);
}

}  // namespace
}  // namespace rpc
