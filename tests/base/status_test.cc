#include "rpc/base/status.h"

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace rpc {
namespace {

TEST(Status, MayHaveRunUnlessItIsKnownThatNot) {
  const absl::Status status = absl::UnavailableError("gone");
  EXPECT_TRUE(MayHaveRun(status));
  EXPECT_FALSE(MayHaveRun(NotRun(status)));
  EXPECT_TRUE(MayHaveRun(absl::OkStatus()));
}

TEST(Status, NotRunKeepsCodeAndMessage) {
  const absl::Status status = NotRun(absl::UnavailableError("gone"));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status.message(), "gone");
}

TEST(Status, CarriesTheWaitBeforeARetry) {
  const absl::Status status = absl::ResourceExhaustedError("busy");
  EXPECT_EQ(RetryAfter(status), std::nullopt);
  EXPECT_EQ(RetryAfter(WithRetryAfter(status, absl::Seconds(2))),
            absl::Seconds(2));
  EXPECT_EQ(RetryAfter(WithRetryAfter(status, absl::Microseconds(2500))),
            absl::Milliseconds(2));
}

TEST(Status, IgnoresAWaitThatIsNoNumber) {
  absl::Status status = absl::ResourceExhaustedError("busy");
  status.SetPayload("rpc/retry-after-ms", absl::Cord("soon"));
  EXPECT_EQ(RetryAfter(status), std::nullopt);
}

TEST(Status, AnnotateSaysWhereAndKeepsTheRest) {
  const absl::Status status =
      WithRetryAfter(NotRun(absl::AbortedError("stop")), absl::Seconds(1));
  const absl::Status annotated = Annotate(status, "queue \"q\"");
  EXPECT_EQ(annotated.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(annotated.message(), "queue \"q\": stop");
  EXPECT_FALSE(MayHaveRun(annotated));
  EXPECT_EQ(RetryAfter(annotated), absl::Seconds(1));
}

TEST(Status, AnnotateLeavesOkAlone) {
  EXPECT_EQ(Annotate(absl::OkStatus(), "somewhere"), absl::OkStatus());
  EXPECT_EQ(Annotate(absl::AbortedError("stop"), ""),
            absl::AbortedError("stop"));
}

TEST(Status, ViewsCrossToAbseilAndBack) {
  const std::string_view text("a\0b", 3);
  EXPECT_EQ(ToAbsl(text).size(), 3u);
  EXPECT_EQ(ToStd(ToAbsl(text)), text);
  EXPECT_EQ(MakeStatus(absl::StatusCode::kAborted, "stop"),
            absl::AbortedError("stop"));
}

}  // namespace
}  // namespace rpc
