#include "rpc/core/codec.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rpc/base/bytes.h"
#include "rpc/base/outcome.h"
#include "rpc/core/call_result.h"
#include "rpc/message/method.h"
#include "rpc/message/server_context.h"
#include "rpc/serializer/decimal_serializer.h"
#include "tests/core/handling.h"
#include "tests/core/list_serializer.h"

namespace rpc::core {
namespace {

using ::rpc::testing::Add;
using ::rpc::testing::Double;
using ::rpc::testing::Echo;
using ::rpc::testing::Grow;
using ::rpc::testing::Handle;
using ::rpc::testing::Heavy;
using ::rpc::testing::ListSerializer;
using ::rpc::testing::Ping;
using ::testing::HasSubstr;

// What travels: nothing, the bare argument, or a tuple of them.
static_assert(std::is_same_v<ArgumentBody<Ping>, Empty>);
static_assert(std::is_same_v<ArgumentBody<Double>, std::int64_t>);
static_assert(
    std::is_same_v<ArgumentBody<Add>, std::tuple<std::int64_t, std::int64_t>>);
static_assert(std::is_same_v<CallResult<Ping>, absl::Status>);
static_assert(std::is_same_v<CallResult<Echo>, absl::StatusOr<std::string>>);

// What a request through HandleBody came to.
struct Handled {
  bool ok;
  std::string body;
  std::optional<Stage> stage;
  absl::Status status;
};

absl::Status StatusOf(const absl::Status& status) { return status; }
template <typename Failed>
absl::Status StatusOf(const Failed& failed) {
  return failed.status();
}

template <typename Handler>
Handled Through(const Handler& handler, std::string_view body,
                const ServerContext& context = {}) {
  Handled handled = {};
  Bytes reply;
  handled.ok = HandleBody<typename Handler::Method>(
      ListSerializer(), handler, &context, body, reply,
      [&](Stage stage, const auto& failed) {
        handled.stage = stage;
        handled.status = StatusOf(failed);
      });
  handled.body = std::string(reply.view());
  return handled;
}

TEST(Codec, NoArgumentIsAnEmptyBody) {
  int runs = 0;
  const auto handler = Handle<Ping>([&] { ++runs; });
  EXPECT_TRUE(Through(handler, "").ok);
  EXPECT_EQ(Through(handler, "").body, "");
  EXPECT_EQ(runs, 2);
}

TEST(Codec, ABodyWhereNoneIsExpectedIsRefused) {
  int runs = 0;
  const Handled handled = Through(Handle<Ping>([&] { ++runs; }), "x");
  EXPECT_FALSE(handled.ok);
  EXPECT_EQ(handled.stage, Stage::kDecodeArguments);
  EXPECT_EQ(handled.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(runs, 0);
}

TEST(Codec, OneArgumentIsItsBareValue) {
  const auto handler = Handle<Double>([](std::int64_t n) { return 2 * n; });
  EXPECT_EQ(Through(handler, "21").body, "42");
}

TEST(Codec, SeveralArgumentsAreATuple) {
  const auto handler =
      Handle<Add>([](std::int64_t a, std::int64_t b) { return 10 * a + b; });
  EXPECT_EQ(Through(handler, "4,2").body, "42");
  EXPECT_EQ(Through(handler, "4").stage, Stage::kDecodeArguments);
  EXPECT_EQ(Through(handler, "4,2,1").stage, Stage::kDecodeArguments);
}

TEST(Codec, WhatMovesOnlyTravels) {
  const auto handler = Handle<Grow>([](Heavy heavy) {
    *heavy += 1;
    return heavy;
  });
  EXPECT_EQ(Through(handler, "41").body, "42");
  using Merge = Method<"merge", Heavy(Heavy, Heavy)>;
  const auto merging = Handle<Merge>([](Heavy a, const Heavy& b) {
    *a += *b;
    return a;
  });
  EXPECT_EQ(Through(merging, "40,2").body, "42");
}

TEST(Codec, AHandlerMayTakeTheContextFirst) {
  const auto handler =
      Handle<Echo>([](const ServerContext& context, const std::string& text) {
        return std::string(context.method) + text;
      });
  EXPECT_EQ(Through(handler, "!", {.method = "echo"}).body, "echo!");
}

TEST(Codec, AHandlerMayReturnAnOutcome) {
  const auto handler =
      Handle<Double>([](std::int64_t n) -> Outcome<std::int64_t> {
        if (n > 9) return Refusal(absl::StatusCode::kOutOfRange, "too large");
        return 2 * n;
      });
  EXPECT_EQ(Through(handler, "9").body, "18");
  const Handled handled = Through(handler, "10");
  EXPECT_FALSE(handled.ok);
  EXPECT_EQ(handled.stage, Stage::kHandle);
  EXPECT_EQ(handled.status, absl::OutOfRangeError("too large"));
  EXPECT_EQ(handled.body, "");
}

TEST(Codec, AHandlerMayReturnAStatusOr) {
  const auto handler =
      Handle<Double>([](std::int64_t n) -> absl::StatusOr<std::int64_t> {
        if (n > 9) return absl::AbortedError("too large");
        return 2 * n;
      });
  EXPECT_EQ(Through(handler, "9").body, "18");
  EXPECT_EQ(Through(handler, "10").stage, Stage::kHandle);
  EXPECT_EQ(Through(handler, "10").status, absl::AbortedError("too large"));
}

TEST(Codec, AHandlerWithoutResultMayReturnAStatus) {
  using Check = Method<"check", void(std::int64_t)>;
  const auto handler = Handle<Check>([](std::int64_t n) {
    return n > 9 ? absl::AbortedError("too large") : absl::OkStatus();
  });
  EXPECT_TRUE(Through(handler, "9").ok);
  EXPECT_EQ(Through(handler, "9").body, "");
  EXPECT_EQ(Through(handler, "10").stage, Stage::kHandle);
  EXPECT_EQ(Through(handler, "10").status, absl::AbortedError("too large"));
}

struct Answering {
  using Method = Echo;
  const std::string& operator()(const std::string&) const { return answer; }
  std::string answer;
};

TEST(Codec, AHandlerMayReturnAReference) {
  EXPECT_EQ(Through(Answering{"always the same"}, "x").body, "always the same");
}

TEST(Codec, AResultThatDoesNotEncodeIsSaid) {
  const Handled handled =
      Through(Handle<Echo>([](const std::string&) {
                return std::string(ListSerializer::kUnspeakable);
              }),
              "x");
  EXPECT_FALSE(handled.ok);
  EXPECT_EQ(handled.stage, Stage::kEncodeResult);
  EXPECT_THAT(std::string(handled.status.message()),
              HasSubstr("does not travel"));
}

TEST(Codec, AReplyThatIsNoResultIsInternal) {
  EXPECT_EQ(DecodeResult<Double>(ListSerializer(), "7").value(), 7);
  const absl::Status status =
      DecodeResult<Double>(ListSerializer(), "seven").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("the reply is no result: no number"));
  EXPECT_TRUE(DecodeResult<Ping>(ListSerializer(), "").ok());
  EXPECT_EQ(DecodeResult<Ping>(ListSerializer(), "x").code(),
            absl::StatusCode::kInternal);
}

// The same functions, run by the compiler.
struct Decrement {
  using Method = rpc::Method<"decrement", std::uint8_t(std::uint8_t)>;
  constexpr Outcome<std::uint8_t> operator()(std::uint8_t n) const {
    if (n == 0) return Refusal(absl::StatusCode::kOutOfRange);
    return static_cast<std::uint8_t>(n - 1);
  }
};
struct Fixed {
  using Method = rpc::Method<"fixed", std::uint32_t()>;
  constexpr std::uint32_t operator()() const { return 7; }
};
struct Nothing {
  using Method = rpc::Method<"nothing", void(std::uint8_t)>;
  constexpr void operator()(std::uint8_t) const {}
};
static_assert(RoundTrip<DecimalSerializer, Decrement>(200) == 199);
static_assert(RoundTrip<DecimalSerializer, Fixed>(Empty()) == 7);
static_assert(RoundTrip<DecimalSerializer, Nothing>(1) == Empty());

template <auto kArgument>
concept CompletesInTheCompiler = requires {
  typename std::integral_constant<
      std::uint8_t, RoundTrip<DecimalSerializer, Decrement>(kArgument)>;
};
static_assert(CompletesInTheCompiler<std::uint8_t{1}>);
static_assert(!CompletesInTheCompiler<std::uint8_t{0}>);

}  // namespace
}  // namespace rpc::core
