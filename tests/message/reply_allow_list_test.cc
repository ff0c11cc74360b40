#include "rpc/message/reply_allow_list.h"

#include <string_view>

#include "gtest/gtest.h"

namespace rpc {
namespace {

TEST(ReplyAllowList, AllowsTheBrokersNamesAndTheLibrarysPrefix) {
  const ReplyAllowList list;
  EXPECT_TRUE(list.Allows("amq.gen-3Zu7vVm0jKcyIDX3rSp0Qg"));
  EXPECT_TRUE(list.Allows("rpc.reply.client-7"));
}

TEST(ReplyAllowList, RefusesEverythingElse) {
  const ReplyAllowList list;
  for (const std::string_view name :
       {"", "task_queue", "amq.gen", "amq.topic", "xamq.gen-1", "Amq.gen-1",
        "rpc.reply", "rpc.replies.1", "amq.rabbitmq.reply-to.g1h2.x", "*",
        " rpc.reply.1"}) {
    EXPECT_FALSE(list.Allows(name)) << name;
  }
}

TEST(ReplyAllowList, AllowsWhatTheUserAdds) {
  const ReplyAllowList list({"answers", "team.*"});
  EXPECT_TRUE(list.Allows("answers"));
  EXPECT_FALSE(list.Allows("answers2"));
  EXPECT_TRUE(list.Allows("team.a"));
  EXPECT_TRUE(list.Allows("team."));
  EXPECT_FALSE(list.Allows("team"));
  EXPECT_TRUE(list.Allows("amq.gen-1"));
  EXPECT_FALSE(list.Allows("task_queue"));
}

TEST(ReplyAllowList, StarMeansAnythingOnlyAtTheEnd) {
  const ReplyAllowList list({"a*b"});
  EXPECT_FALSE(list.Allows("axb"));
  EXPECT_TRUE(list.Allows("a*b"));
  EXPECT_TRUE(ReplyAllowList({"*"}).Allows("task_queue"));
}

}  // namespace
}  // namespace rpc
