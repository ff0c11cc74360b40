#include <gmpxx.h>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/base/status.h"
#include "rpc/endpoint.h"
#include "rpc/handler/fibonacci.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/serializer/gmp_integer.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/support/broker.h"
#include "tests/support/runfiles.h"
#include "tests/support/subprocess.h"
#include "tests/transport/rabbitmq_bench.h"
#include "tests/transport/rabbitmq_plain_client.h"
#include "tests/transport/rabbitmq_presets.h"

// Debian's pika, with which no one here had anything to do, plays the other
// side. The programs that use it are RabbitMQ's tutorial: they know a reply
// address, a correlation id and a body.
namespace rpc::testing {
namespace {

using Endpoint =
    RpcEndpoint<RabbitMqTransport, DecimalSerializer, Fibonacci<mpz_class>>;
using Client = RpcEndpoint<RabbitMqTransport, DecimalSerializer,
                           Fibonacci<mpz_class>::Method>;

std::vector<std::string> Python(const std::string& program,
                                std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"/usr/bin/python3", "-B",
                                       Runfile("tests/interop/" + program)});
  return arguments;
}

template <typename E>
typename E::Options At(const RabbitMqTopology& topology) {
  typename E::Options options;
  options.transport.url = BrokerUrl();
  options.transport.topology = topology;
  return options;
}

Finished RunPlainClient(const RabbitMqTopology& topology,
                        std::vector<std::string> command) {
  command.insert(command.begin(),
                 {BrokerUrl(), topology.exchange, topology.routing_key});
  return RunToEnd(Python("plain_client.py", std::move(command)));
}

mpz_class Expected(std::uint64_t n) { return *Fibonacci<mpz_class>()(n); }

class PikaClient : public ::testing::TestWithParam<Preset> {
 protected:
  const RabbitMqTopology topology_ =
      GetParam().make(UniqueName("pika-" + GetParam().name));
};

TEST_P(PikaClient, ReadsExactNumbersFromOurServer) {
  TestServer<Endpoint> server(At<Endpoint>(topology_));
  const Finished finished = RunPlainClient(topology_, {"agree", "0", "400"});
  EXPECT_EQ(finished.exit_code, 0) << finished.output;
  EXPECT_EQ(finished.output, "401 agree\n");
  EXPECT_TRUE(server.Stop().ok());
  EXPECT_EQ(server.endpoint().server_counters().succeeded, 401u);
  EXPECT_EQ(PlainClient(BrokerUrl()).Depth(topology_.queue), 0u);
}

TEST_P(PikaClient, ReadsAnErrorForABadRequest) {
  TestServer<Endpoint> server(At<Endpoint>(topology_));
  const Finished finished =
      RunPlainClient(topology_, {"refuse", "x", "-1", "100001"});
  EXPECT_EQ(finished.exit_code, 0) << finished.output;
  std::vector<std::string> types;
  std::size_t begin = 0;
  for (std::size_t end = finished.output.find('\n'); end != std::string::npos;
       begin = end + 1, end = finished.output.find('\n', begin)) {
    types.push_back(finished.output.substr(
        begin, finished.output.find(' ', begin) - begin));
  }
  EXPECT_EQ(types, (std::vector<std::string>{
                       "INVALID_ARGUMENT", "INVALID_ARGUMENT", "OUT_OF_RANGE"}))
      << finished.output;
  EXPECT_NE(finished.output.find("100000"), std::string::npos)
      << finished.output;
}

INSTANTIATE_TEST_SUITE_P(All, PikaClient, AllPresets(), NameOf);

TEST(PikaServer, AnswersOurClientExactly) {
  const std::string queue = UniqueName("pika-server");
  PlainClient(BrokerUrl()).DeclareQueue(queue);
  // Our calls wait in the queue until it serves.
  const Subprocess server(Python("plain_server.py", {BrokerUrl(), queue}),
                          NewTestDirectory() + "/server");
  auto client = Client::Open(At<Client>(TutorialQueue(queue)));
  ASSERT_TRUE(client.ok()) << client.status();
  for (std::uint64_t n = 0; n <= 400; ++n) {
    const absl::StatusOr<mpz_class> value = client->Call(n);
    ASSERT_TRUE(value.ok()) << n << ": " << value.status();
    ASSERT_EQ(*value, Expected(n)) << n;
  }
}

TEST(PikaServer, AnswersManyOfOurCallsAtOnce) {
  const std::string queue = UniqueName("pika-many");
  PlainClient(BrokerUrl()).DeclareQueue(queue);
  const Subprocess server(Python("plain_server.py", {BrokerUrl(), queue}),
                          NewTestDirectory() + "/server");
  auto client = Client::Open(At<Client>(TutorialQueue(queue)));
  ASSERT_TRUE(client.ok()) << client.status();
  constexpr int kCalls = 401;
  Tally right;
  for (int i = 0; i < kCalls; ++i) {
    const auto n = static_cast<std::uint64_t>(i);
    client->CallAsync(n, [&right, n](absl::StatusOr<mpz_class> value) {
      EXPECT_TRUE(value.ok()) << n << ": " << value.status();
      if (value.ok() && *value == Expected(n)) right.Add();
    });
  }
  EXPECT_TRUE(right.WaitFor(kCalls)) << right.count();
}

TEST(PikaServer, ThatDiesLeavesOurRequestToAnother) {
  const std::string queue = UniqueName("pika-dies");
  PlainClient plain(BrokerUrl());
  plain.DeclareQueue(queue);
  const Subprocess dies(Python("plain_server.py", {BrokerUrl(), queue}),
                        NewTestDirectory() + "/server");
  auto client = Client::Open(At<Client>(TutorialQueue(queue)));
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(client->Call(10).value(), 55);
  dies.Signal(SIGKILL);
  TestServer<Endpoint> server(At<Endpoint>(TutorialQueue(queue)));
  EXPECT_EQ(client->Call(11).value(), 89);
}

TEST(ReferenceServer, AnswersOurClientExactly) {
  const std::string name = UniqueName("reference-server");
  const RabbitMqTopology topology = ReferenceTopology(name, name);
  // Ours makes what both declare, and is gone before the first call.
  { TestServer<Endpoint> declares(At<Endpoint>(topology)); }
  const Subprocess server(Python("plain_server.py", {BrokerUrl(), name, name}),
                          NewTestDirectory() + "/server");
  auto client = Client::Open(At<Client>(topology));
  ASSERT_TRUE(client.ok()) << client.status();
  for (std::uint64_t n = 0; n <= 400; ++n) {
    const absl::StatusOr<mpz_class> value = client->Call(n);
    ASSERT_TRUE(value.ok()) << n << ": " << value.status();
    ASSERT_EQ(*value, Expected(n)) << n;
  }
}

TEST(ReferenceServer, IsReplacedByOursMessageForMessage) {
  const std::string name = UniqueName("reference-dump");
  const RabbitMqTopology topology = ReferenceTopology(name, name);
  const auto dump = [&](const std::string& n) {
    const Finished finished = RunPlainClient(topology, {"dump", n});
    EXPECT_EQ(finished.exit_code, 0) << finished.output;
    return finished.output;
  };
  std::vector<std::string> ours, theirs;
  {
    TestServer<Endpoint> server(At<Endpoint>(topology));
    for (const char* n : {"0", "1", "93", "400"}) ours.push_back(dump(n));
  }
  {
    const Subprocess server(
        Python("plain_server.py", {BrokerUrl(), name, name}),
        NewTestDirectory() + "/server");
    for (const char* n : {"0", "1", "93", "400"}) theirs.push_back(dump(n));
  }
  EXPECT_EQ(ours, theirs);
  EXPECT_NE(ours[0].find("\"delivery_mode\": 2"), std::string::npos) << ours[0];
}

TEST(ReferenceServer, SharesItsQueueWithOurs) {
  const std::string name = UniqueName("reference-shared");
  const RabbitMqTopology topology = ReferenceTopology(name, name);
  TestServer<Endpoint> ours(At<Endpoint>(topology));
  const std::string log = NewTestDirectory() + "/server";
  const Subprocess theirs(Python("plain_server.py", {BrokerUrl(), name, name}),
                          log);
  auto client = Client::Open(At<Client>(topology));
  ASSERT_TRUE(client.ok()) << client.status();
  // Until the other one has had its share.
  const Deadline patience = Deadline::After(kPatience);
  std::uint64_t calls = 0;
  while (ours.endpoint().server_counters().succeeded == calls &&
         !patience.Expired(Clock::now())) {
    ASSERT_EQ(client->Call(300).value(), Expected(300));
    ++calls;
  }
  EXPECT_LT(ours.endpoint().server_counters().succeeded, calls);
}

}  // namespace
}  // namespace rpc::testing
