#include <atomic>
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

// A request whose delivery is lost while it runs, comes again to the same
// server.
TEST(LostDelivery, IsNotRunAgainByAServerThatRemembersResults) {
  const RabbitMqTopology topology = TutorialQueue(UniqueName("remembered"));
  FaultProxy proxy(amqp::ParseUrl(BrokerUrl())->port);
  auto options = At<ProbeServer>(
      topology, absl::StrCat("amqp://guest:guest@127.0.0.1:", proxy.port()));
  options.server.workers = 2;
  options.server.remembered_bytes = 10'000;
  std::atomic<std::uint64_t> runs = 0;
  Event held, leave;
  TestServer<ProbeServer> server(
      options, Probe{[&](const ServerContext&, std::uint64_t) {
        held.Set();
        EXPECT_TRUE(leave.Wait());
        return ++runs;
      }});
  auto client_options = At<ProbeClient>(topology);
  // What gives a call its message_id.
  client_options.retry.max_attempts = 2;
  auto client = ProbeClient::Open(client_options);
  ASSERT_TRUE(client.ok()) << client.status();
  absl::StatusOr<std::uint64_t> value;
  {
    const std::jthread call(
        [&] { value = client->Call(1, {.timeout = absl::Minutes(1)}); });
    ASSERT_TRUE(held.Wait());
    proxy.CutAll(Cut::kReset);
    ASSERT_TRUE(server.servings().WaitFor(2));
    leave.Set();
  }
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(*value, 1u);
  EXPECT_TRUE(server.Stop().ok());
  EXPECT_EQ(runs, 1u);
  EXPECT_EQ(server.endpoint().server_counters().duplicates, 1u);
  EXPECT_EQ(server.endpoint().server_counters().redelivered, 1u);
}

}  // namespace
}  // namespace rpc::testing
