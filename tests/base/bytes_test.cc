#include "rpc/base/bytes.h"

#include <string>
#include <string_view>
#include <utility>

#include "gtest/gtest.h"

namespace rpc {
namespace {

static_assert(ByteSink<Bytes>);
static_assert(ByteSink<std::string>);
static_assert(ByteSink<FixedBytes<4>>);
static_assert(!ByteSink<int>);

constexpr bool FillsInAConstantExpression() {
  FixedBytes<4> bytes;
  bytes.append("ab", 2);
  bytes.append("cde", 3);
  return bytes.view() == "abcd" && bytes.overflowed();
}
static_assert(FillsInAConstantExpression());

// Around the size that an InlineBytes<16> keeps in itself.
std::string Text(std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    text += static_cast<char>('a' + i % 26);
  }
  return text;
}
constexpr std::size_t kSizes[] = {0, 1, 7, 8, 9, 16, 17, 1000};

TEST(Bytes, KeepWhatIsAppended) {
  for (const std::size_t size : kSizes) {
    InlineBytes<16> bytes;
    const std::string text = Text(size);
    for (const char& c : text) bytes.append(&c, 1);
    EXPECT_EQ(bytes.view(), text);
    EXPECT_EQ(bytes.size(), size);
    EXPECT_EQ(bytes.empty(), size == 0);
  }
}

TEST(Bytes, AppendAtOnceWhatPassesTheirCapacity) {
  for (const std::size_t first : kSizes) {
    for (const std::size_t second : kSizes) {
      const std::string text = Text(first + second);
      InlineBytes<16> bytes(std::string_view(text).substr(0, first));
      bytes.append(text.data() + first, second);
      EXPECT_EQ(bytes.view(), text);
    }
  }
}

TEST(Bytes, AreAssignedText) {
  for (const std::size_t before : kSizes) {
    for (const std::size_t size : kSizes) {
      InlineBytes<16> bytes(Text(before));
      bytes = Text(size);
      EXPECT_EQ(bytes.view(), Text(size));
      bytes.append("!", 1);
      EXPECT_EQ(bytes.view(), Text(size) + "!");
    }
  }
  ShortText text;
  text = Bytes("of another size");
  EXPECT_EQ(text.view(), "of another size");
}

TEST(Bytes, AreAssignedAPartOfThemselves) {
  for (const std::size_t size : {std::size_t{10}, std::size_t{1000}}) {
    InlineBytes<16> bytes(Text(size));
    bytes = bytes.view().substr(1, size - 2);
    EXPECT_EQ(bytes.view(), Text(size).substr(1, size - 2));
  }
}

TEST(Bytes, AppendNothingFromNowhere) {
  Bytes bytes("a");
  bytes.append(nullptr, 0);
  EXPECT_EQ(bytes.view(), "a");
}

TEST(Bytes, KeepZeroBytes) {
  const Bytes bytes(std::string_view("a\0b", 3));
  EXPECT_EQ(bytes.size(), 3u);
  EXPECT_EQ(bytes.view(), std::string_view("a\0b", 3));
}

TEST(Bytes, CopiesAreTheirOwn) {
  for (const std::size_t size : kSizes) {
    const std::string text = Text(size);
    InlineBytes<16> original(text);
    InlineBytes<16> copy(original);
    InlineBytes<16> assigned("something else");
    assigned = original;
    original.append("!", 1);
    EXPECT_EQ(copy.view(), text);
    EXPECT_EQ(assigned.view(), text);
  }
}

TEST(Bytes, MovesLeaveAnEmptyStringThatCanBeUsed) {
  for (const std::size_t size : kSizes) {
    const std::string text = Text(size);
    InlineBytes<16> original(text);
    InlineBytes<16> moved(std::move(original));
    EXPECT_EQ(moved.view(), text);
    EXPECT_EQ(original.view(), "");
    original.append("again", 5);
    EXPECT_EQ(original.view(), "again");
    original = std::move(moved);
    EXPECT_EQ(original.view(), text);
  }
}

TEST(Bytes, AreTheSameAfterTheyAreAssignedToThemselves) {
  for (const std::size_t size : kSizes) {
    InlineBytes<16> bytes(Text(size));
    InlineBytes<16>& same = bytes;
    bytes = same;
    EXPECT_EQ(bytes.view(), Text(size));
    bytes = std::move(same);
    EXPECT_EQ(bytes.view(), Text(size));
  }
}

TEST(Bytes, AreReusedAfterClear) {
  InlineBytes<16> bytes(Text(100));
  const char* const where = bytes.view().data();
  bytes.clear();
  EXPECT_TRUE(bytes.empty());
  bytes.append("ab", 2);
  EXPECT_EQ(bytes.view(), "ab");
  EXPECT_EQ(bytes.view().data(), where);
}

TEST(Bytes, ReserveKeepsTheContent) {
  InlineBytes<16> bytes("abc");
  bytes.reserve(100);
  const char* const where = bytes.view().data();
  bytes.append(Text(97).data(), 97);
  EXPECT_EQ(bytes.view(), "abc" + Text(97));
  EXPECT_EQ(bytes.view().data(), where);
}

TEST(Bytes, CompareWithTexts) {
  const Bytes bytes("abc");
  EXPECT_TRUE(bytes == "abc");
  EXPECT_TRUE(bytes == std::string("abc"));
  EXPECT_TRUE(bytes == Bytes("abc"));
  EXPECT_FALSE(bytes == "abcd");
}

TEST(FixedBytes, DropWhatDoesNotFitAndRememberIt) {
  FixedBytes<4> bytes;
  bytes.append("abcd", 4);
  EXPECT_FALSE(bytes.overflowed());
  bytes.append("e", 1);
  EXPECT_TRUE(bytes.overflowed());
  EXPECT_EQ(bytes.view(), "abcd");
  EXPECT_EQ(bytes.size(), 4u);
}

}  // namespace
}  // namespace rpc
