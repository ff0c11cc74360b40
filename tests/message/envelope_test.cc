#include "rpc/message/envelope.h"

#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace rpc {
namespace {

TEST(Envelope, FindsMetadataByItsKey) {
  const Metadata metadata = {{"a", "1"}, {"b", ""}, {"a", "2"}};
  EXPECT_EQ(Find(metadata, "a"), "1");
  EXPECT_EQ(Find(metadata, "b"), "");
  EXPECT_EQ(Find(metadata, "A"), std::nullopt);
  EXPECT_EQ(Find({}, "a"), std::nullopt);
}

TEST(Envelope, RequestIsThePlainPatternByDefault) {
  const Request request;
  EXPECT_TRUE(request.reply_to.empty());
  EXPECT_TRUE(request.method.empty());
  EXPECT_TRUE(request.content_type.empty());
  EXPECT_TRUE(request.deadline.is_never());
  EXPECT_EQ(request.attempt, 1);
  EXPECT_TRUE(request.metadata.empty());
}

TEST(Envelope, ReplyIsOkByDefault) {
  EXPECT_EQ(Reply().status, absl::OkStatus());
  EXPECT_TRUE(Reply().body.empty());
}

TEST(Envelope, RequestMovesAsAWhole) {
  Request request{.correlation_id = "id", .body = "90"};
  request.metadata = {{"traceparent", "00-1"}};
  const Request moved = std::move(request);
  EXPECT_EQ(moved.correlation_id.view(), "id");
  EXPECT_EQ(moved.body.view(), "90");
  EXPECT_EQ(Find(moved.metadata, "traceparent"), "00-1");
}

}  // namespace
}  // namespace rpc
