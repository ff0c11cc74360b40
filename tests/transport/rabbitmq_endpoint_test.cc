#include <atomic>
#include <cstdint>
#include <stop_token>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/base/status.h"
#include "rpc/endpoint.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/support/broker.h"
#include "tests/transport/rabbitmq_bench.h"
#include "tests/transport/rabbitmq_plain_client.h"
#include "tests/transport/rabbitmq_presets.h"
#include "tests/transport/rabbitmq_probe.h"

namespace rpc::testing {
namespace {

// Until `depth` messages wait in the queue; asks again and again.
bool WaitForDepth(const std::string& queue, std::uint32_t depth) {
  PlainClient plain(BrokerUrl());
  const Deadline deadline = Deadline::After(kPatience);
  while (plain.Depth(queue) != depth) {
    if (deadline.Expired(Clock::now())) return false;
  }
  return true;
}

class RabbitMqPreset : public ::testing::TestWithParam<Preset> {};

TEST_P(RabbitMqPreset, CarriesCallsThere) {
  const RabbitMqTopology topology =
      GetParam().make(UniqueName(GetParam().name));
  TestServer<FibonacciServer> server(At<FibonacciServer>(topology));
  auto client = FibonacciClient::Open(At<FibonacciClient>(topology));
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(client->Call(0).value(), 0u);
  EXPECT_EQ(client->Call(1).value(), 1u);
  EXPECT_EQ(client->Call(90).value(), 2880067194370816120u);
  EXPECT_EQ(client->Call(93).value(), 12200160415121876738u);
  const absl::Status beyond = client->Call(94).status();
  EXPECT_EQ(beyond.code(), absl::StatusCode::kOutOfRange) << beyond;
  EXPECT_NE(ToStd(beyond.message()).find("93"), std::string::npos) << beyond;
  EXPECT_TRUE(server.Stop().ok());
  EXPECT_EQ(server.endpoint().server_counters().succeeded, 4u);
}

INSTANTIATE_TEST_SUITE_P(All, RabbitMqPreset, AllPresets(), NameOf);

TEST(RabbitMqEndpoint, CallsBothWaysOverOneConnection) {
  TestServer<FibonacciServer> server(
      At<FibonacciServer>(TutorialQueue(UniqueName("itself"))));
  EXPECT_EQ(server.endpoint().Call(10).value(), 55u);
}

TEST(RabbitMqEndpoint, SharesAQueueAmongServers) {
  const RabbitMqTopology topology = TutorialQueue(UniqueName("shared"));
  auto options = At(topology);
  options.server.prefetch = 1;
  Tally running;
  // Each holds its request until both have one.
  const Probe together{[&](const ServerContext&, std::uint64_t n) {
    running.Add();
    return running.WaitFor(2) ? n : 0;
  }};
  TestServer<ProbeServer> one(options, together);
  TestServer<ProbeServer> other(options, together);
  auto client = ProbeClient::Open(At<ProbeClient>(topology));
  ASSERT_TRUE(client.ok()) << client.status();
  std::jthread first([&] { EXPECT_EQ(client->Call(7).value(), 7u); });
  EXPECT_EQ(client->Call(8).value(), 8u);
  first.join();
  EXPECT_EQ(one.endpoint().server_counters().succeeded, 1u);
  EXPECT_EQ(other.endpoint().server_counters().succeeded, 1u);
}

TEST(RabbitMqEndpoint, DrainFinishesWhatRunsAndGivesBackTheRest) {
  const RabbitMqTopology topology = TutorialQueue(UniqueName("drain"));
  Event running, release;
  auto options = At(topology);
  options.server.workers = 1;
  TestServer<ProbeServer> leaving(
      options, Probe{[&](const ServerContext&, std::uint64_t n) {
        running.Set();
        release.Wait();
        return n + 100;
      }});
  auto client = ProbeClient::Open(At<ProbeClient>(topology));
  ASSERT_TRUE(client.ok()) << client.status();
  std::jthread held([&] { EXPECT_EQ(client->Call(1).value(), 101u); });
  ASSERT_TRUE(running.Wait());
  std::jthread meanwhile([&] { EXPECT_EQ(client->Call(2).value(), 202u); });
  // The second request has been sent and is in the leaving server's hands.
  while (client->call_counters().started < 2) std::this_thread::yield();
  ASSERT_TRUE(WaitForDepth(topology.queue, 0));
  leaving.RequestStop();
  std::atomic<bool> redelivered = false;
  TestServer<ProbeServer> staying(
      At(topology), Probe{[&](const ServerContext& context, std::uint64_t n) {
        redelivered = context.redelivered;
        return n + 200;
      }});
  meanwhile.join();
  release.Set();
  held.join();
  EXPECT_TRUE(leaving.Wait().ok());
  EXPECT_EQ(leaving.endpoint().server_counters().given_back, 1u);
  EXPECT_EQ(staying.endpoint().server_counters().redelivered, 1u);
  EXPECT_TRUE(redelivered);
  staying.Stop().IgnoreError();
  EXPECT_EQ(PlainClient(BrokerUrl()).Depth(topology.queue), 0u);
}

TEST(RabbitMqEndpoint, ServesAgainAfterAStop) {
  TestServer<FibonacciServer> server(
      At<FibonacciServer>(TutorialQueue(UniqueName("again"))));
  EXPECT_EQ(server.endpoint().Call(10).value(), 55u);
  ASSERT_TRUE(server.Stop().ok());
  std::stop_source stop;
  absl::Status served;
  std::jthread thread(
      [&] { served = server.endpoint().Serve(stop.get_token()); });
  EXPECT_TRUE(server.servings().WaitFor(2));
  EXPECT_EQ(server.endpoint().Call(11).value(), 89u);
  stop.request_stop();
  thread.join();
  EXPECT_TRUE(served.ok()) << served;
}

TEST(RabbitMqEndpoint, RequestToNoQueueFailsAtOnceAndHasNotRun) {
  auto client = ProbeClient::Open(
      At<ProbeClient>(TutorialQueue(UniqueName("missing-queue"))));
  ASSERT_TRUE(client.ok()) << client.status();
  absl::Status status;
  const absl::Duration took = Took([&] {
    status = client->Call(1, {.timeout = absl::Seconds(20)}).status();
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_FALSE(MayHaveRun(status));
  EXPECT_LT(took, absl::Seconds(5));
}

TEST(RabbitMqEndpoint, RequestToNoExchangeFailsAtOnceAndHasNotRun) {
  const std::string name = UniqueName("missing-exchange");
  const RabbitMqTopology topology = ReferenceTopology(name, name);
  auto client = FibonacciClient::Open(At<FibonacciClient>(topology));
  ASSERT_TRUE(client.ok()) << client.status();
  absl::Status status;
  const absl::Duration took = Took([&] {
    status = client->Call(1, {.timeout = absl::Seconds(20)}).status();
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_FALSE(MayHaveRun(status));
  EXPECT_LT(took, absl::Seconds(5));
  // The first server brings it.
  TestServer<FibonacciServer> server(At<FibonacciServer>(topology));
  EXPECT_EQ(client->Call(10).value(), 55u);
}

TEST(RabbitMqEndpoint, CallWithoutAServerEndsByItsDeadline) {
  const RabbitMqTopology topology = TutorialQueue(UniqueName("no-server"));
  PlainClient(BrokerUrl()).DeclareQueue(topology.queue);
  auto client = ProbeClient::Open(At<ProbeClient>(topology));
  ASSERT_TRUE(client.ok()) << client.status();
  absl::Status status;
  const absl::Duration took = Took([&] {
    status = client->Call(1, {.timeout = absl::Milliseconds(300)}).status();
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
  EXPECT_TRUE(MayHaveRun(status));
  EXPECT_GE(took, absl::Milliseconds(300));
  EXPECT_LT(took, absl::Seconds(1));
}

TEST(RabbitMqEndpoint, LateReplyIsDroppedAndTouchesNoOtherCall) {
  const RabbitMqTopology topology = TutorialQueue(UniqueName("late"));
  Event release;
  TestServer<ProbeServer> server(
      At(topology), Probe{[&](const ServerContext&, std::uint64_t n) {
        if (n == 1) release.Wait();
        return n;
      }});
  auto client = ProbeClient::Open(At<ProbeClient>(topology));
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(
      client->Call(1, {.timeout = absl::Milliseconds(100)}).status().code(),
      absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(client->Call(2).value(), 2u);
  release.Set();
  const Deadline patience = Deadline::After(kPatience);
  while (client->call_counters().unknown_replies == 0 &&
         !patience.Expired(Clock::now())) {
    EXPECT_EQ(client->Call(3).value(), 3u);
  }
  EXPECT_EQ(client->call_counters().unknown_replies, 1u);
}

TEST(RabbitMqEndpoint, CancelledCallEndsAtOnce) {
  const RabbitMqTopology topology = TutorialQueue(UniqueName("cancelled"));
  Event running, release;
  TestServer<ProbeServer> server(
      At(topology), Probe{[&](const ServerContext&, std::uint64_t n) {
        running.Set();
        release.Wait();
        return n;
      }});
  auto client = ProbeClient::Open(At<ProbeClient>(topology));
  ASSERT_TRUE(client.ok()) << client.status();
  std::stop_source stop;
  std::jthread canceller([&] {
    running.Wait();
    stop.request_stop();
  });
  const absl::Status status =
      client->Call(1, {.cancellation = stop.get_token()}).status();
  canceller.join();
  release.Set();
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
  EXPECT_TRUE(MayHaveRun(status));
}

TEST(RabbitMqEndpoint, DeletedQueueIsDeclaredAgain) {
  const RabbitMqTopology topology = TutorialQueue(UniqueName("deleted"));
  TestServer<FibonacciServer> server(At<FibonacciServer>(topology));
  auto client = FibonacciClient::Open(At<FibonacciClient>(topology));
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(client->Call(10).value(), 55u);
  PlainClient(BrokerUrl()).DeleteQueue(topology.queue);
  ASSERT_TRUE(server.servings().WaitFor(2));
  EXPECT_EQ(client->Call(11).value(), 89u);
  EXPECT_EQ(server.interruptions().count(), 1);
  EXPECT_TRUE(server.Stop().ok());
}

TEST(RabbitMqEndpoint, StopsBeforeItServes) {
  for (int i = 0; i < 20; ++i) {
    TestServer<FibonacciServer> server(
        TestServer<FibonacciServer>::Deferred(),
        At<FibonacciServer>(TutorialQueue(UniqueName("early"))));
    const absl::Status status = server.Stop();
    EXPECT_TRUE(status.ok()) << status;
  }
}

}  // namespace
}  // namespace rpc::testing
