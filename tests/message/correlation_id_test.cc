#include "rpc/message/correlation_id.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace rpc {
namespace {

std::string TextOf(const CorrelationId& id) {
  const auto text = id.Text();
  return std::string(text.data(), text.size());
}

constexpr CorrelationId kId = {0x0123abcd, 0x00000000deadbeef};
static_assert(CorrelationId::Parse("0123abcd00000000deadbeef") == kId);

TEST(CorrelationId, Is24HexadecimalDigits) {
  EXPECT_EQ(TextOf(kId), "0123abcd00000000deadbeef");
  EXPECT_EQ(TextOf(CorrelationId()), std::string(24, '0'));
}

TEST(CorrelationId, ComesBackFromItsText) {
  for (const std::uint64_t bits :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 63,
        std::numeric_limits<std::uint64_t>::max(),
        std::uint64_t{0x0123456789abcdef}}) {
    const CorrelationId id = {static_cast<std::uint32_t>(bits), ~bits};
    EXPECT_EQ(CorrelationId::Parse(TextOf(id)), id);
  }
}

TEST(CorrelationId, IsNothingElse) {
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {""sv, "0123abcd00000000deadbee"sv, "0123abcd00000000deadbeef0"sv,
        "0123ABCD00000000deadbeef"sv, "0123abcd 0000000deadbeef"sv,
        "0123abcg00000000deadbeef"sv, "-123abcd00000000deadbeef"sv,
        "0x23abcd00000000deadbeef"sv, "0123abcd00000000deadbee\0"sv,
        "0123abcd`0000000deadbeef"sv, "0123abcd/0000000deadbeef"sv,
        "0123abcd:0000000deadbeef"sv}) {
    EXPECT_EQ(CorrelationId::Parse(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace rpc
