#include "rpc/core/serving_thread.h"

#include <functional>
#include <stop_token>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "tests/core/gate.h"

namespace rpc {
namespace {

using ::rpc::testing::Gate;

// Is ready at once, and ends when it is stopped.
absl::Status ServeUntilStopped(const std::stop_token& stop,
                               const std::function<void()>& ready) {
  Gate stopped;
  const std::stop_callback wake(stop, [&] { stopped.Open(); });
  ready();
  // As after an interruption.
  ready();
  stopped.Wait();
  return absl::AbortedError("at the end");
}

TEST(ServingThread, ReturnsWhatServingReturned) {
  auto thread = ServingThread::Start(ServeUntilStopped);
  ASSERT_TRUE(thread.ok()) << thread.status();
  EXPECT_EQ(thread->Stop(), absl::AbortedError("at the end"));
}

TEST(ServingThread, SaysWhyItIsNotReady) {
  const auto refused = [](std::stop_token, std::function<void()>) {
    return absl::PermissionDeniedError("not you");
  };
  EXPECT_EQ(ServingThread::Start(refused).status(),
            absl::PermissionDeniedError("not you"));
  const auto ends = [](std::stop_token, std::function<void()>) {
    return absl::OkStatus();
  };
  EXPECT_EQ(ServingThread::Start(ends).status().code(),
            absl::StatusCode::kInternal);
}

TEST(ServingThread, StopsWhenItIsDestroyed) {
  bool ended = false;
  {
    auto thread = ServingThread::Start(
        [&](std::stop_token stop, std::function<void()> ready) {
          ServeUntilStopped(stop, ready).IgnoreError();
          ended = true;
          return absl::OkStatus();
        });
    ASSERT_TRUE(thread.ok());
    EXPECT_FALSE(ended);
    const ServingThread moved = *std::move(thread);
  }
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace rpc
