#include "rpc/transport/rabbitmq_options.h"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/status.h"
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

// What a server that is no server of ours receives for one call.
PlainMessage RequestOf(const ProbeClient::Options& options) {
  PlainClient plain(BrokerUrl());
  plain.DeclareQueue(options.transport.topology.queue);
  plain.Consume(options.transport.topology.queue);
  auto client = ProbeClient::Open(options);
  if (!client.ok()) throw std::runtime_error(client.status().ToString());
  client->CallAsync(1, [](const absl::StatusOr<std::uint64_t>&) {});
  std::optional<PlainMessage> request = plain.Next(kPatience);
  if (!request.has_value()) throw std::runtime_error("no request came");
  return *request;
}

// The messages that are left in a queue of `sent` when a server with these
// options holds all that it takes.
std::uint32_t LeftInQueue(ProbeServer::Options options, int sent) {
  PlainClient plain(BrokerUrl());
  const std::string queue = options.transport.topology.queue;
  plain.DeclareQueue(queue);
  if (!options.transport.topology.exchange.empty()) {
    amqp_exchange_declare(plain.connection(), 1,
                          amqp::ToAmqp(options.transport.topology.exchange),
                          amqp::ToAmqp("topic"), 0, 1, 0, 0, amqp_empty_table);
  }
  for (int i = 0; i < sent; ++i) plain.Publish("", queue, {.body = "1"});
  Event running, release;
  options.server.workers = 1;
  TestServer<ProbeServer> server(
      options, Probe{[&](const ServerContext&, std::uint64_t n) {
        running.Set();
        release.Wait();
        return n;
      }});
  running.Wait();
  // Deliveries follow one another at once: what the broker would send beyond
  // these has been sent when it has answered a few questions.
  std::uint32_t left = 0;
  for (int i = 0; i < 20; ++i) left = plain.Depth(queue).value();
  release.Set();
  return left;
}

TEST(RabbitMqOptions, UrlHasToBeOne) {
  RabbitMqOptions options;
  options.url = "http://user:secret@localhost";
  const absl::Status status = ToConnectionOptions(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ToStd(status.message()).find("secret"), std::string::npos);
}

TEST(RabbitMqOptions, BecomeThoseOfTheConnection) {
  RabbitMqOptions options;
  options.url = "amqp://u:p@one:1/v";
  options.more_urls = {"amqp://u:p@two:2/v"};
  options.heartbeat = absl::Seconds(3);
  options.max_body_bytes = 1234;
  options.connection_name = "name";
  options.tls.ca_file = "/ca.pem";
  const auto connection = ToConnectionOptions(options);
  ASSERT_TRUE(connection.ok()) << connection.status();
  ASSERT_EQ(connection->addresses.size(), 2u);
  EXPECT_EQ(connection->addresses[0].host, "one");
  EXPECT_EQ(connection->addresses[1].port, 2);
  EXPECT_EQ(connection->session.heartbeat, absl::Seconds(3));
  EXPECT_EQ(connection->session.body_limit, 1234u);
  EXPECT_EQ(connection->session.connection_name, "name");
  EXPECT_EQ(connection->tls.ca_file, "/ca.pem");
}

// The lines that opening with these options warns of; an error is the last.
std::vector<std::string> WarningsOf(RabbitMqOptions options) {
  std::vector<std::string> lines;
  options.on_warning = [&](std::string_view line) { lines.emplace_back(line); };
  const auto connection = ToConnectionOptions(options);
  if (!connection.ok()) lines.push_back(connection.status().ToString());
  return lines;
}

TEST(RabbitMqOptions, PasswordInTheClearIsWarnedOfOnce) {
  RabbitMqOptions options = {.url = "amqp://user:secret@far.example:1"};
  options.more_urls = {"amqp://user:secret@farther.example:1"};
  const std::vector<std::string> lines = WarningsOf(options);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("travels unencrypted"), std::string::npos);
  EXPECT_EQ(lines[0].find("secret"), std::string::npos);
  options.plaintext_password = PlaintextPassword::kAllow;
  EXPECT_TRUE(WarningsOf(options).empty());
}

TEST(RabbitMqOptions, PasswordInTheClearCanBeForbidden) {
  RabbitMqOptions options = {.url = "amqp://user:secret@far.example:1",
                             .plaintext_password = PlaintextPassword::kForbid};
  const absl::Status status = ToConnectionOptions(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_EQ(ToStd(status.message()).find("secret"), std::string::npos);
}

TEST(RabbitMqOptions, NothingIsSaidWhereNobodyCanListen) {
  for (const char* url :
       {"amqps://user:secret@far.example", "amqp://user:secret@localhost",
        "amqp://user:secret@127.1.2.3:1", "amqp://user:secret@[::1]:1"}) {
    RabbitMqOptions options = {
        .url = url, .plaintext_password = PlaintextPassword::kForbid};
    EXPECT_TRUE(WarningsOf(options).empty()) << url;
  }
}

TEST(RabbitMqOptions, LoginByCertificateNeedsOne) {
  RabbitMqOptions options = {.url = "amqps://far.example",
                             .login = amqp::Mechanism::kExternal};
  EXPECT_TRUE(absl::IsInvalidArgument(ToConnectionOptions(options).status()));
  options.tls.certificate_file = "/client.pem";
  const auto connection = ToConnectionOptions(options);
  ASSERT_TRUE(connection.ok()) << connection.status();
  EXPECT_EQ(connection->session.mechanism, amqp::Mechanism::kExternal);
  options.url = "amqp://localhost";
  EXPECT_TRUE(absl::IsInvalidArgument(ToConnectionOptions(options).status()));
}

TEST(RabbitMqOptions, MoreUrlsAreTriedWhereTheFirstIsDown) {
  const RabbitMqTopology topology = TutorialQueue(UniqueName("more-urls"));
  auto options =
      At<FibonacciServer>(topology, "amqp://guest:guest@127.0.0.1:1");
  options.transport.more_urls = {BrokerUrl()};
  TestServer<FibonacciServer> server(options);
  EXPECT_EQ(server.endpoint().Call(10).value(), 55u);
}

TEST(RabbitMqOptions, RepliesGoOnlyWhereTheyAreAllowed) {
  const RabbitMqTopology topology = TutorialQueue(UniqueName("allow"));
  const std::string replies = UniqueName("replies");
  PlainClient plain(BrokerUrl());
  plain.DeclareQueue(replies);
  plain.Consume(replies);
  auto options = At<FibonacciServer>(topology);
  options.transport.allow_reply_to = {"test.replies.*"};
  TestServer<FibonacciServer> server(options);
  plain.Publish("", topology.queue,
                {.body = "10", .reply_to = replies, .correlation_id = "a"});
  const auto reply = plain.Next(kPatience);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->body, "55");
  EXPECT_EQ(reply->correlation_id, "a");
}

TEST(RabbitMqOptions, ReplyQueueIsNamedByTheBrokerUnlessThereIsAPrefix) {
  auto options = At<ProbeClient>(TutorialQueue(UniqueName("anonymous")));
  EXPECT_TRUE(RequestOf(options).reply_to.starts_with("amq.gen-"));
  options.transport.topology = TutorialQueue(UniqueName("prefix"));
  options.transport.reply_queue_prefix = "rpc.reply.mine.";
  const std::string reply_to = RequestOf(options).reply_to;
  EXPECT_TRUE(reply_to.starts_with("rpc.reply.mine.")) << reply_to;
  EXPECT_GT(reply_to.size(), options.transport.reply_queue_prefix.size());
}

TEST(RabbitMqOptions, RepliesReachAQueueWithAPrefix) {
  auto options =
      At<FibonacciServer>(TutorialQueue(UniqueName("prefix-replies")));
  options.transport.reply_queue_prefix = "rpc.reply.mine.";
  TestServer<FibonacciServer> server(options);
  EXPECT_EQ(server.endpoint().Call(10).value(), 55u);
}

TEST(RabbitMqOptions, DeliveryModeIsThatOfTheMessages) {
  auto options = At<ProbeClient>(TutorialQueue(UniqueName("transient")));
  EXPECT_EQ(RequestOf(options).delivery_mode, 1);
  options.transport.topology = TutorialQueue(UniqueName("persistent"));
  options.transport.topology.delivery_mode = DeliveryMode::kPersistent;
  EXPECT_EQ(RequestOf(options).delivery_mode, 2);

  PlainClient plain(BrokerUrl());
  const std::string replies = plain.DeclareReplyQueue();
  const std::string queue = UniqueName("persistent-replies");
  auto serving = At<FibonacciServer>(TutorialQueue(queue));
  serving.transport.topology.delivery_mode = DeliveryMode::kPersistent;
  TestServer<FibonacciServer> server(serving);
  plain.Publish("", queue, {.body = "10", .reply_to = replies});
  const auto reply = plain.Next(kPatience);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->delivery_mode, 2);
}

TEST(RabbitMqOptions, BodyOverTheLimitIsNotSent) {
  auto options = At<ProbeClient>(TutorialQueue(UniqueName("long-request")));
  options.transport.max_body_bytes = 3;
  TestServer<ProbeServer> server(
      At(options.transport.topology),
      Probe{[](const ServerContext&, std::uint64_t n) { return n; }});
  auto client = ProbeClient::Open(options);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(client->Call(123).value(), 123u);
  const absl::Status status = client->Call(1234).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_FALSE(MayHaveRun(status));
}

TEST(RabbitMqOptions, ReplyOverTheClientsLimitIsNotRead) {
  auto options = At<ProbeClient>(TutorialQueue(UniqueName("long-reply")));
  options.transport.max_body_bytes = 3;
  TestServer<ProbeServer> server(
      At(options.transport.topology),
      Probe{[](const ServerContext&, std::uint64_t n) { return 10 * n; }});
  auto client = ProbeClient::Open(options);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(client->Call(12).value(), 120u);
  const absl::Status status = client->Call(123).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_TRUE(MayHaveRun(status));
}

TEST(RabbitMqOptions, BodyOverTheServersLimitIsNotRead) {
  auto options = At(TutorialQueue(UniqueName("long-for-server")));
  options.transport.max_body_bytes = 3;
  TestServer<ProbeServer> server(
      options, Probe{[](const ServerContext&, std::uint64_t n) {
        return n % 2 == 0 ? n : 100 * n;
      }});
  auto client = ProbeClient::Open(At<ProbeClient>(options.transport.topology));
  ASSERT_TRUE(client.ok()) << client.status();
  const absl::Status status = client->Call(1234).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_FALSE(MayHaveRun(status));
  // Its own reply of five bytes is over its limit as well.
  const absl::Status reply = client->Call(123).status();
  EXPECT_EQ(reply.code(), absl::StatusCode::kResourceExhausted) << reply;
  EXPECT_TRUE(MayHaveRun(reply));
  EXPECT_EQ(client->Call(124).value(), 124u);
}

TEST(RabbitMqOptions, PrefetchBoundsWhatAServerTakes) {
  auto options = At(TutorialQueue(UniqueName("prefetch")));
  options.server.prefetch = 3;
  EXPECT_EQ(LeftInQueue(options, 10), 7u);
}

TEST(RabbitMqOptions, PrefetchGrowsWithTheWorkersByDefault) {
  EXPECT_EQ(LeftInQueue(At(TutorialQueue(UniqueName("by-workers"))), 40), 8u);
}

TEST(RabbitMqOptions, PrefetchOfTheReferenceIsOneUnlessItIsChosen) {
  const std::string name = UniqueName("reference");
  auto options = At(ReferenceTopology(name, name));
  EXPECT_EQ(LeftInQueue(options, 10), 9u);
  const std::string other = UniqueName("reference");
  options = At(ReferenceTopology(other, other));
  options.server.prefetch = 4;
  EXPECT_EQ(LeftInQueue(options, 10), 6u);
}

TEST(RabbitMqOptions, WorkersRunHandlersAtTheSameTime) {
  auto options = At(TutorialQueue(UniqueName("workers")));
  options.server.workers = 3;
  Tally running;
  TestServer<ProbeServer> server(
      options, Probe{[&](const ServerContext&, std::uint64_t n) {
        running.Add();
        return running.WaitFor(3) ? n : 0;
      }});
  auto client = ProbeClient::Open(At<ProbeClient>(options.transport.topology));
  ASSERT_TRUE(client.ok()) << client.status();
  std::vector<std::jthread> callers;
  for (std::uint64_t n = 1; n <= 3; ++n) {
    callers.emplace_back([&, n] { EXPECT_EQ(client->Call(n).value(), n); });
  }
}

TEST(RabbitMqOptions, WithoutWorkersHandlersRunOnTheTransportsThread) {
  auto options = At(TutorialQueue(UniqueName("inline")));
  options.server.workers = 0;
  std::thread::id transports, handlers;
  options.server.on_serving = [&] { transports = std::this_thread::get_id(); };
  TestServer<ProbeServer> server(
      options, Probe{[&](const ServerContext&, std::uint64_t n) {
        handlers = std::this_thread::get_id();
        return n;
      }});
  EXPECT_EQ(server.endpoint().Call(1).value(), 1u);
  EXPECT_EQ(handlers, transports);
}

TEST(RabbitMqOptions, RedeliveryLimitOfAQuorumQueueEndsInAnAnswer) {
  const std::string name = UniqueName("poison");
  const RabbitMqTopology topology = QuorumQueue(name, 2);
  PlainClient plain(BrokerUrl());
  const std::string replies = plain.DeclareReplyQueue();
  Tally runs;
  const Probe counting{[&](const ServerContext&, std::uint64_t n) {
    runs.Add();
    return n;
  }};
  { TestServer<ProbeServer> declares(At(topology), counting); }
  plain.Publish("", name, {.body = "1", .reply_to = replies});
  for (int i = 0; i < 2; ++i) {
    // Takes it and goes without a word.
    PlainClient dies(BrokerUrl());
    dies.Consume(name);
    ASSERT_TRUE(dies.Next(kPatience).has_value());
  }
  TestServer<ProbeServer> server(At(topology), counting);
  const auto reply = plain.Next(kPatience);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->type, "error");
  EXPECT_EQ(reply->headers.at("rpc-status"),
            std::to_string(static_cast<int>(absl::StatusCode::kAborted)));
  EXPECT_EQ(runs.count(), 0);
  server.Stop().IgnoreError();
  EXPECT_EQ(plain.Depth(name), 0u);
  EXPECT_EQ(plain.Depth(name + ".dead"), 1u);
}

}  // namespace
}  // namespace rpc::testing
