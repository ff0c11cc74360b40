#include "rpc/amqp/header_reader.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/amqp/broker_frames.h"

namespace rpc::amqp {
namespace {

struct EncodedValue {
  std::string bytes;  // with the type in front
  HeaderValue value;
};

TEST(HeaderReader, ReadsEachScalarType) {
  const EncodedValue cases[] = {
      {std::string("t\x01", 2), true},
      {std::string("t\x00", 2), false},
      {"b\x80", std::int64_t{-128}},
      {"B\x80", std::int64_t{128}},
      {"s\xFF\xFE", std::int64_t{-2}},
      {"u\xFF\xFE", std::int64_t{65534}},
      {"I\xFF\xFF\xFF\xFF", std::int64_t{-1}},
      {"i\xFF\xFF\xFF\xFF", std::int64_t{4294967295}},
      {"l" + BigEndianBytes(~std::uint64_t{0}, 8), std::int64_t{-1}},
      {"T" + BigEndianBytes(1700000000, 8), std::int64_t{1700000000}},
      {"S" + BigEndianBytes(2, 4) + "ab", std::string("ab")},
      {"x" + BigEndianBytes(2, 4) + "ab", std::string("ab")},
      {"S" + BigEndianBytes(0, 4), std::string()},
  };
  for (const EncodedValue& each : cases) {
    std::vector<Header> headers;
    const std::string table = TableEntry("key", each.bytes);
    EXPECT_TRUE(HeaderReader(table).ReadInto(&headers)) << each.bytes[0];
    EXPECT_EQ(headers, (std::vector<Header>{{"key", each.value}}))
        << each.bytes[0];
  }
}

TEST(HeaderReader, SkipsWhatIsNoScalarAndGoesOn) {
  for (const std::string& skipped :
       {std::string("f1234"), std::string("d12345678"), std::string("D12345"),
        std::string("V"), "F" + BigEndianBytes(4, 4) + "abcd",
        "A" + BigEndianBytes(0, 4)}) {
    std::vector<Header> headers;
    const std::string table = TableEntry("skipped", skipped) +
                              TableEntry("next", std::string("t\x01", 2));
    EXPECT_TRUE(HeaderReader(table).ReadInto(&headers)) << skipped[0];
    EXPECT_EQ(headers, (std::vector<Header>{{"next", true}})) << skipped[0];
  }
}

TEST(HeaderReader, RefusesEachTableThatIsCutShort) {
  const std::string table = TableEntry("a", std::string("t\x01", 2)) +
                            TableEntry("b", "S" + BigEndianBytes(2, 4) + "cd") +
                            TableEntry("e", "F" + BigEndianBytes(2, 4) + "fg");
  const std::size_t first = TableEntry("a", std::string("t\x01", 2)).size();
  const std::size_t second = first + 9;
  for (std::size_t size = 1; size < table.size(); ++size) {
    if (size == first || size == second) continue;  // whole entries
    std::vector<Header> headers;
    EXPECT_FALSE(HeaderReader(std::string_view(table).substr(0, size))
                     .ReadInto(&headers))
        << size;
    EXPECT_TRUE(headers.empty()) << size;
  }
}

TEST(HeaderReader, LimitsAreInclusive) {
  const std::string name(100, 'n');
  const std::size_t overhead = TableEntry(name, "S1234").size();
  const auto table = [&](std::size_t size) {
    return TableEntry(name, "S" + BigEndianBytes(size - overhead, 4) +
                                std::string(size - overhead, 'x'));
  };
  std::vector<Header> headers;
  const std::string longest = table(kMaxHeaderBytes);
  EXPECT_TRUE(HeaderReader(longest).ReadInto(&headers));
  EXPECT_EQ(headers.size(), 1u);
  const std::string too_long = table(kMaxHeaderBytes + 1);
  EXPECT_FALSE(HeaderReader(too_long).ReadInto(&headers));
}

}  // namespace
}  // namespace rpc::amqp
