#include "rpc/core/call_options.h"

#include <chrono>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"
#include "rpc/message/envelope.h"
#include "rpc/message/server_context.h"

namespace rpc::core {
namespace {

constexpr TimePoint kNow = TimePoint(std::chrono::hours(1));
constexpr absl::Duration kDefault = absl::Seconds(30);

Deadline In(int seconds) {
  return Deadline(kNow + std::chrono::seconds(seconds));
}

TEST(CallOptions, TheDefaultTimeoutIsForCallsThatSetNone) {
  EXPECT_EQ(DeadlineOf({}, kDefault, kNow), In(30));
  EXPECT_EQ(DeadlineOf({.timeout = absl::Seconds(5)}, kDefault, kNow), In(5));
  EXPECT_EQ(DeadlineOf({.timeout = absl::Hours(1)}, kDefault, kNow), In(3600));
  EXPECT_TRUE(DeadlineOf({.timeout = absl::InfiniteDuration()}, kDefault, kNow)
                  .is_never());
}

TEST(CallOptions, AParentBoundsTheDeadline) {
  ServerContext parent = {.deadline = In(10)};
  EXPECT_EQ(DeadlineOf({.parent = &parent}, kDefault, kNow), In(10));
  EXPECT_EQ(DeadlineOf({.timeout = absl::Seconds(5), .parent = &parent},
                       kDefault, kNow),
            In(5));
  EXPECT_EQ(DeadlineOf({.timeout = absl::InfiniteDuration(), .parent = &parent},
                       kDefault, kNow),
            In(10));
  parent.deadline = Deadline();
  EXPECT_EQ(DeadlineOf({.parent = &parent}, kDefault, kNow), In(30));
}

TEST(CallOptions, ATimeoutThatIsOverIsNow) {
  EXPECT_EQ(DeadlineOf({.timeout = absl::ZeroDuration()}, kDefault, kNow),
            In(0));
  EXPECT_EQ(DeadlineOf({.timeout = -absl::Hours(1)}, kDefault, kNow), In(0));
  const ServerContext parent = {.deadline = In(-10)};
  EXPECT_EQ(DeadlineOf({.parent = &parent}, kDefault, kNow), In(-10));
}

TEST(CallOptions, TheTraceOfTheParentIsPassedOnAndNothingElse) {
  const Metadata parents = {
      {"tenant", "t7"}, {"tracestate", "s=1"}, {"traceparent", "00-1"}};
  const ServerContext parent = {.metadata = &parents};
  EXPECT_EQ(MetadataOf({.parent = &parent}),
            (Metadata{{"traceparent", "00-1"}, {"tracestate", "s=1"}}));
  EXPECT_EQ(
      MetadataOf({.parent = &parent, .metadata = {{"own", "1"}}}),
      (Metadata{{"own", "1"}, {"traceparent", "00-1"}, {"tracestate", "s=1"}}));
}

TEST(CallOptions, ItsOwnTraceGoesBeforeTheParents) {
  const Metadata parents = {{"traceparent", "00-1"}};
  const ServerContext parent = {.metadata = &parents};
  EXPECT_EQ(
      MetadataOf({.parent = &parent, .metadata = {{"traceparent", "00-2"}}}),
      (Metadata{{"traceparent", "00-2"}}));
}

TEST(CallOptions, AParentMayHaveNoMetadata) {
  const ServerContext parent = {};
  EXPECT_EQ(MetadataOf({.parent = &parent}), Metadata());
  EXPECT_EQ(MetadataOf({.parent = nullptr, .metadata = {{"own", "1"}}}),
            (Metadata{{"own", "1"}}));
}

}  // namespace
}  // namespace rpc::core
