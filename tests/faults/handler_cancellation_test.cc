#include <cstdint>
#include <stop_token>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/amqp/url.h"
#include "rpc/base/deadline.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/support/broker.h"
#include "tests/support/fault_proxy.h"
#include "tests/transport/rabbitmq_bench.h"
#include "tests/transport/rabbitmq_plain_client.h"
#include "tests/transport/rabbitmq_probe.h"

namespace rpc::testing {
namespace {

// A server behind a proxy whose first request is held until it is cancelled, or
// let go. Others are answered at once.
class HandlerCancellation : public ::testing::Test {
 protected:
  // Returns 1 if it was cancelled.
  std::uint64_t Handle(const ServerContext& context) {
    if (held_.IsSet()) return 0;
    held_.Set();
    const std::stop_callback wake(context.cancellation, [this] {
      cancelled_.Set();
      leave_.Set();
    });
    EXPECT_TRUE(leave_.Wait());
    return cancelled_.IsSet() ? 1 : 0;
  }

  auto CallOnce(absl::Duration timeout = absl::Minutes(1)) {
    return std::jthread([this, timeout] {
      value_ = client_->Call(1, {.timeout = timeout});
      ended_.Set();
    });
  }

  Event held_, cancelled_, leave_, ended_;
  absl::StatusOr<std::uint64_t> value_;
  FaultProxy proxy_{amqp::ParseUrl(BrokerUrl())->port};
  const RabbitMqTopology topology_ = TutorialQueue(UniqueName("cancellation"));
  TestServer<ProbeServer> server_{
      At<ProbeServer>(topology_, absl::StrCat("amqp://guest:guest@127.0.0.1:",
                                              proxy_.port())),
      Probe{[this](const ServerContext& context, std::uint64_t) {
        return Handle(context);
      }}};
  absl::StatusOr<ProbeClient> client_ =
      ProbeClient::Open(At<ProbeClient>(topology_));
};

TEST_F(HandlerCancellation, ReachesItWhenItsDeliveryIsLost) {
  ASSERT_TRUE(client_.ok()) << client_.status();
  const auto call = CallOnce();
  ASSERT_TRUE(held_.Wait());
  EXPECT_FALSE(cancelled_.IsSet());
  proxy_.CutAll(Cut::kReset);
  EXPECT_TRUE(cancelled_.Wait());
  // The request comes again, and is answered.
  ASSERT_TRUE(ended_.Wait());
  ASSERT_TRUE(value_.ok()) << value_.status();
  EXPECT_EQ(*value_, 0u);
}

TEST_F(HandlerCancellation, ReachesItAtTheDeadline) {
  ASSERT_TRUE(client_.ok()) << client_.status();
  const TimePoint begin = Clock::now();
  constexpr absl::Duration kTimeout = absl::Milliseconds(300);
  const auto call = CallOnce(kTimeout);
  ASSERT_TRUE(cancelled_.Wait());
  // What the request's whole milliseconds cut off may be missing.
  EXPECT_GE(absl::FromChrono(Clock::now() - begin),
            kTimeout - absl::Milliseconds(2));
}

TEST_F(HandlerCancellation, DoesNotReachItWhenOnlyTheQueueIsDeleted) {
  ASSERT_TRUE(client_.ok()) << client_.status();
  const auto call = CallOnce();
  ASSERT_TRUE(held_.Wait());
  PlainClient(BrokerUrl()).DeleteQueue(topology_.queue);
  // On the next channel; its reply leaves on that one.
  ASSERT_TRUE(server_.servings().WaitFor(2));
  leave_.Set();
  ASSERT_TRUE(ended_.Wait());
  ASSERT_TRUE(value_.ok()) << value_.status();
  EXPECT_EQ(*value_, 0u);
  EXPECT_FALSE(cancelled_.IsSet());
}

}  // namespace
}  // namespace rpc::testing
