#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/base/status.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/support/broker.h"
#include "tests/transport/rabbitmq_bench.h"
#include "tests/transport/rabbitmq_plain_client.h"
#include "tests/transport/rabbitmq_probe.h"

namespace rpc::testing {
namespace {

constexpr auto kConfirmed = DeliveryGuarantee::kAtLeastOnceConfirmed;

const Probe kEcho{[](const ServerContext&, std::uint64_t n) { return n; }};

// A durable queue for one message, which refuses all further ones.
RabbitMqTopology FullQueue(std::string_view name) {
  RabbitMqTopology topology = TutorialQueue(name);
  topology.declared.queues.front().arguments = {
      {"x-max-length", std::int64_t{1}},
      {"x-overflow", std::string("reject-publish")}};
  return topology;
}

template <typename Endpoint>
typename Endpoint::Options With(DeliveryGuarantee guarantee,
                                const RabbitMqTopology& topology) {
  auto options = At<Endpoint>(topology);
  options.transport.guarantee = guarantee;
  return options;
}

TEST(AtLeastOnceConfirmed, CallsAreAnsweredAndServersDrain) {
  const auto topology = TutorialQueue(UniqueName("confirmed"));
  TestServer<ProbeServer> server(With<ProbeServer>(kConfirmed, topology),
                                 kEcho);
  auto client = ProbeClient::Open(With<ProbeClient>(kConfirmed, topology));
  ASSERT_TRUE(client.ok()) << client.status();
  const std::vector<std::uint64_t> arguments(500, 7);
  for (const auto& result : client->CallBatch(arguments)) {
    EXPECT_EQ(result.value(), 7u);
  }
  EXPECT_TRUE(server.Stop().ok());
  EXPECT_EQ(PlainClient(BrokerUrl()).Depth(topology.queue), 0u);
}

TEST(AtLeastOnceConfirmed, RequestThatTheQueueRefusesEndsAtOnce) {
  const auto topology = FullQueue(UniqueName("full"));
  TestServer<ProbeServer>(At(topology), kEcho).Stop().IgnoreError();
  Tally held;
  auto client = ProbeClient::Open(With<ProbeClient>(kConfirmed, topology));
  ASSERT_TRUE(client.ok()) << client.status();
  client->CallAsync(1, [&](const auto&) { held.Add(); });
  absl::Status status;
  // RabbitMQ lets one or two more in, since it counts late.
  const absl::Duration took = Took([&] {
    do {
      status = client->Call(2, {.timeout = absl::Milliseconds(200)}).status();
    } while (absl::IsDeadlineExceeded(status));
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_FALSE(MayHaveRun(status));
  EXPECT_LT(took, absl::Seconds(4));
  EXPECT_GE(client->transport().counters().nacked, 1u);
  EXPECT_EQ(held.count(), 0) << "the one that was taken is under way";
}

TEST(AtLeastOnce, RequestThatTheQueueRefusesEndsWithItsDeadline) {
  const auto topology = FullQueue(UniqueName("full-unconfirmed"));
  TestServer<ProbeServer>(At(topology), kEcho).Stop().IgnoreError();
  auto client = ProbeClient::Open(At<ProbeClient>(topology));
  ASSERT_TRUE(client.ok()) << client.status();
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(absl::IsDeadlineExceeded(
        client->Call(1, {.timeout = absl::Milliseconds(200)}).status()));
  }
}

// A request whose reply is to go to a queue that takes none.
class RefusedReply {
 public:
  RefusedReply() {
    amqp_table_entry_t arguments[2] = {};
    arguments[0].key = amqp_cstring_bytes("x-max-length");
    arguments[0].value.kind = AMQP_FIELD_KIND_I32;
    arguments[0].value.value.i32 = 0;
    arguments[1].key = amqp_cstring_bytes("x-overflow");
    arguments[1].value.kind = AMQP_FIELD_KIND_UTF8;
    arguments[1].value.value.bytes = amqp_cstring_bytes("reject-publish");
    plain_.DeclareQueue(replies_, {2, arguments});
    plain_.DeclareQueue(requests_);
    plain_.Publish("", requests_, {.body = "1", .reply_to = replies_});
  }

  ProbeServer::Options Options(DeliveryGuarantee guarantee) const {
    auto options = With<ProbeServer>(guarantee, TutorialQueue(requests_));
    options.transport.allow_reply_to = {replies_};
    return options;
  }
  void DeleteReplyQueue() { plain_.DeleteQueue(replies_); }
  // The requests that are left, when their server is gone.
  std::uint32_t Left() { return plain_.Depth(requests_).value(); }

 private:
  PlainClient plain_{BrokerUrl()};
  const std::string requests_ = UniqueName("requests");
  const std::string replies_ = UniqueName("replies");
};

// Until a handler has run.
void WaitForRun(ProbeServer& server) {
  while (server.server_counters().succeeded == 0) std::this_thread::yield();
}

TEST(AtLeastOnceConfirmed, RequestIsKeptUntilItsReplyIsTaken) {
  RefusedReply refused;
  {
    TestServer<ProbeServer> server(refused.Options(kConfirmed), kEcho);
    // It comes again and again.
    EXPECT_TRUE(server.interruptions().WaitFor(2));
    EXPECT_GE(server.endpoint().transport().counters().nacked, 2u);
    server.Stop().IgnoreError();
  }
  EXPECT_EQ(refused.Left(), 1u);
  // The broker drops, and confirms, what goes to nobody.
  refused.DeleteReplyQueue();
  TestServer<ProbeServer> server(refused.Options(kConfirmed), kEcho);
  WaitForRun(server.endpoint());
  EXPECT_TRUE(server.Stop().ok());
  EXPECT_EQ(refused.Left(), 0u);
}

TEST(AtLeastOnce, RequestIsGoneWithItsReply) {
  RefusedReply refused;
  TestServer<ProbeServer> server(
      refused.Options(DeliveryGuarantee::kAtLeastOnce), kEcho);
  WaitForRun(server.endpoint());
  EXPECT_TRUE(server.Stop().ok());
  EXPECT_EQ(refused.Left(), 0u);
  EXPECT_EQ(server.interruptions().count(), 0);
}

TEST(AtMostOnce, WhatAStopFindsWaitingIsAnswered) {
  const auto topology = TutorialQueue(UniqueName("at-most-once"));
  auto options = With<ProbeServer>(DeliveryGuarantee::kAtMostOnce, topology);
  options.server.workers = 1;
  Event running, release;
  TestServer<ProbeServer> server(
      options, Probe{[&](const ServerContext&, std::uint64_t n) {
        running.Set();
        release.Wait();
        return n;
      }});
  auto client = ProbeClient::Open(At<ProbeClient>(topology));
  ASSERT_TRUE(client.ok()) << client.status();
  auto runs = client->CallFuture(1);
  ASSERT_TRUE(running.Wait());
  auto waits = client->CallFuture(2);
  // Whatever the prefetch, the broker has let go of it.
  PlainClient plain(BrokerUrl());
  while (server.endpoint().transport().counters().delivered < 2) {
    std::this_thread::yield();
  }
  EXPECT_EQ(plain.Depth(topology.queue), 0u);
  server.RequestStop();
  const absl::Status status = std::move(waits).Get().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_FALSE(MayHaveRun(status));
  release.Set();
  EXPECT_EQ(std::move(runs).Get().value(), 1u);
}

}  // namespace
}  // namespace rpc::testing
