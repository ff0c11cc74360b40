#include "rpc/amqp/out_buffer.h"

#include <gtest/gtest.h>

#include <string>

namespace rpc::amqp {
namespace {

TEST(OutBuffer, KeepsTheOrderThroughPartialSends) {
  OutBuffer out;
  std::string expected, sent;
  for (int i = 0; i < 1000; ++i) {
    const std::string piece = std::to_string(i) + ",";
    out.Append(piece);
    expected += piece;
    const std::size_t part = out.size() / 2;
    sent += out.view().substr(0, part);
    out.Sent(part);
  }
  sent += out.view();
  out.Sent(out.size());
  EXPECT_EQ(sent, expected);
  EXPECT_TRUE(out.empty());
}

TEST(OutBuffer, TotalsTellWhatHasLeft) {
  OutBuffer out;
  out.Append("first");
  const std::uint64_t second = out.total_appended();
  out.Append("second");
  EXPECT_EQ(second, 5u);
  out.Sent(5);
  EXPECT_LE(out.total_sent(), second) << "nothing of the second has left";
  out.Sent(1);
  EXPECT_GT(out.total_sent(), second);
  out.Sent(5);
  EXPECT_EQ(out.total_sent(), out.total_appended());
}

TEST(OutBuffer, TakeBackUndoesTheLastBytes) {
  OutBuffer out;
  out.Append("keep");
  out.Append("drop");
  out.TakeBack(4);
  EXPECT_EQ(out.view(), "keep");
  EXPECT_EQ(out.total_appended(), 4u);
}

TEST(OutBuffer, LargeContentsAreMovedWhole) {
  OutBuffer out;
  const std::string large(5 * 1024 * 1024, 'x');
  out.Append("a");
  out.Append(large);
  EXPECT_EQ(out.view(), "a" + large);
  out.Sent(out.size());
  out.Append("b");
  EXPECT_EQ(out.view(), "b");
}

}  // namespace
}  // namespace rpc::amqp
