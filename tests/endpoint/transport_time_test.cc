#include <cstdint>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"
#include "rpc/endpoint.h"
#include "rpc/transport/memory_broker.h"
#include "rpc/transport/memory_transport.h"
#include "tests/core/handling.h"
#include "tests/endpoint/held_server.h"
#include "tests/endpoint/memory_world.h"

namespace rpc::testing {
namespace {

// Endpoints of a world whose time stands still until the test lets it pass.
class TransportTime : public ::testing::Test {
 protected:
  void Pass(absl::Duration time) {
    world_.broker().Advance(world_.broker().Now() +
                            absl::ToChronoNanoseconds(time));
  }

  const MemoryWorld world_{{.time = MemoryTime::kManual}};
  HeldServer server_{world_, {.server = {.workers = 1}}};
  MemoryEndpoint<Double> client_ =
      world_.Connect<Double>({.callback_threads = 0});
};

TEST_F(TransportTime, DeadlinesOfCallsAreMeasuredByIt) {
  auto future = client_.CallFuture(1, {.timeout = absl::Hours(1)});
  Pass(absl::Minutes(59));
  EXPECT_FALSE(future.ready());
  Pass(absl::Minutes(2));
  ASSERT_TRUE(future.ready());
  EXPECT_EQ(std::move(future).Get().status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST_F(TransportTime, ServersMeasureByItWhatIsExpired) {
  auto first = client_.CallFuture(1);
  ASSERT_TRUE(server_.WaitForCall());
  // Delivered already, and behind the first.
  auto second = client_.CallFuture(2, {.timeout = absl::Hours(1)});
  Pass(absl::Hours(2));
  server_.LetGo();
  const auto expired = [&] {
    return server_->endpoint().server_counters().expired;
  };
  while (expired() == 0) std::this_thread::yield();
  EXPECT_EQ(expired(), 1u);
  EXPECT_EQ(server_.runs(), 1);
}

}  // namespace
}  // namespace rpc::testing
