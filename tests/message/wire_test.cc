#include "rpc/message/wire.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "rpc/base/status.h"
#include "rpc/message/envelope.h"

namespace rpc::wire {
namespace {

using namespace std::string_view_literals;

TEST(Wire, ReservesTheProtocolsAndTheBrokersKeys) {
  for (const std::string_view key : {"", "CC", "BCC", "x-death", "x-",
                                     "rpc-status", "rpc-", "rpc-anything"}) {
    EXPECT_TRUE(IsReservedMetadataKey(key)) << key;
  }
  EXPECT_TRUE(IsReservedMetadataKey(std::string(129, 'k')));
  EXPECT_FALSE(IsReservedMetadataKey(std::string(128, 'k')));
  for (const std::string_view key :
       {"traceparent", "cc", "xray", "rpc", "X-a"}) {
    EXPECT_FALSE(IsReservedMetadataKey(key)) << key;
  }
}

TEST(Wire, RefusesMetadataThatMayNotTravel) {
  EXPECT_EQ(CheckMetadata({{"a", "1"}, {"b", ""}}), absl::OkStatus());
  const absl::Status status = CheckMetadata({{"a", "1"}, {"CC", "queue"}});
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(MayHaveRun(status));
}

TEST(Wire, LimitsMetadataInAll) {
  const auto sized = [](std::size_t bytes) {
    return Metadata{{"k", std::string(bytes / 2 - 1, 'v')},
                    {"k", std::string(bytes - bytes / 2 - 1, 'v')}};
  };
  EXPECT_EQ(CheckMetadata(sized(8192)), absl::OkStatus());
  const absl::Status status = CheckMetadata(sized(8193));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(MayHaveRun(status));
}

TEST(Wire, CutsTextsBetweenSequences) {
  const std::string_view text = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x90\xB0";
  const std::size_t cuts[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
  for (std::size_t limit = 0; limit < std::size(cuts); ++limit) {
    EXPECT_EQ(CutUtf8(text, limit), text.substr(0, cuts[limit])) << limit;
  }
}

TEST(Wire, CutsWhatIsNotUtf8Anywhere) {
  const std::string text(100, '\x80');
  EXPECT_EQ(CutUtf8(text, 50).size(), 50u);
}

TEST(Wire, ReadsOnlyCodesOfFailures) {
  EXPECT_EQ(CodeFromNumber(11), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(CodeFromNumber(1), absl::StatusCode::kCancelled);
  EXPECT_EQ(CodeFromNumber(16), absl::StatusCode::kUnauthenticated);
  for (const std::int64_t number :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{17},
        std::int64_t{1} << 32, INT64_MIN, INT64_MAX}) {
    EXPECT_EQ(CodeFromNumber(number), absl::StatusCode::kUnknown) << number;
  }
}

TEST(Wire, TellsUtf8FromWhatIsNot) {
  for (const std::string_view sequence :
       {"a"sv, "\0"sv, "\x7F"sv, "\xC2\x80"sv, "\xDF\xBF"sv, "\xE0\xA0\x80"sv,
        "\xED\x9F\xBF"sv, "\xEE\x80\x80"sv, "\xEF\xBF\xBF"sv,
        "\xF0\x90\x80\x80"sv, "\xF4\x8F\xBF\xBF"sv}) {
    EXPECT_EQ(Utf8SequenceSize(sequence), sequence.size());
    EXPECT_EQ(Utf8SequenceSize(std::string(sequence) + "\xFF"),
              sequence.size());
    if (sequence.size() == 1) continue;
    EXPECT_EQ(Utf8SequenceSize(sequence.substr(0, sequence.size() - 1)), 0u);
  }
  for (const std::string_view none :
       {""sv, "\x80"sv, "\xBF"sv, "\xC0\x80"sv, "\xC1\xBF"sv, "\xC2"sv,
        "\xC2\x41"sv, "\xE0\x9F\xBF"sv, "\xED\xA0\x80"sv, "\xED\xBF\xBF"sv,
        "\xF0\x8F\xBF\xBF"sv, "\xF4\x90\x80\x80"sv, "\xF5\x80\x80\x80"sv,
        "\xE2\x82\x41"sv, "\xF0\x9F\x90\xC0"sv, "\xFE"sv, "\xFF"sv}) {
    EXPECT_EQ(Utf8SequenceSize(none), 0u);
  }
}

TEST(Wire, WritesTheBodyOfAFailure) {
  EXPECT_EQ(ErrorBody(absl::OutOfRangeError("n = 94 is too large")),
            R"({"error":{"type":"OUT_OF_RANGE",)"
            R"("message":"n = 94 is too large","code":11}})");
  EXPECT_EQ(ErrorBody(absl::UnknownError("")),
            R"({"error":{"type":"UNKNOWN","message":"","code":2}})");
}

std::string MessageIn(std::string_view message) {
  std::string text;
  AppendJsonText(message, text);
  return text;
}

TEST(Wire, EscapesWhatJsonAsksFor) {
  EXPECT_EQ(MessageIn("a\"b\\c/d"), "a\\\"b\\\\c/d");
  EXPECT_EQ(MessageIn("\n\t\x1F\0"sv), "\\u000a\\u0009\\u001f\\u0000");
  EXPECT_EQ(MessageIn("\x7F\xC3\xA9\xF0\x9F\x90\xB0"),
            "\x7F\xC3\xA9\xF0\x9F\x90\xB0");
}

TEST(Wire, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(MessageIn("a\xFF"
                      "b"),
            "a\\ufffdb");
  EXPECT_EQ(MessageIn("\xC3"), "\\ufffd");
  EXPECT_EQ(MessageIn("\xC3\"x"), "\\ufffd\\\"x");
  EXPECT_EQ(MessageIn("\xED\xA0\x80"), "\\ufffd\\ufffd\\ufffd");
  EXPECT_EQ(MessageIn("\xE2\x82"), "\\ufffd\\ufffd");
}

TEST(Wire, CutsTheMessageOfAFailureShort) {
  const std::string body =
      ErrorBody(absl::InternalError(std::string(5000, 'x')));
  EXPECT_EQ(body.find(std::string(1025, 'x')), std::string::npos);
  EXPECT_NE(body.find(std::string(1024, 'x')), std::string::npos);
}

}  // namespace
}  // namespace rpc::wire
