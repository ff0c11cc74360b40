#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"
#include "rpc/transport/rabbitmq_topology.h"
#include "tests/support/broker.h"
#include "tests/transport/rabbitmq_bench.h"
#include "tests/transport/rabbitmq_plain_client.h"
#include "tests/transport/rabbitmq_probe.h"

namespace rpc::testing {
namespace {

const Probe kDouble{
    [](const ServerContext&, std::uint64_t n) { return 2 * n; }};

amqp_table_entry_t Entry(const char* key, std::uint8_t kind) {
  amqp_table_entry_t entry = {};
  entry.key = amqp::ToAmqp(key);
  entry.value.kind = kind;
  return entry;
}

// Headers of one entry: tables or arrays in one another.
class Nested {
 public:
  Nested(std::size_t levels, std::uint8_t kind)
      : entries_(levels, Entry("k", kind)) {
    for (std::size_t i = 0; i + 1 < levels; ++i) {
      amqp_field_value_t& value = entries_[i].value;
      if (kind == AMQP_FIELD_KIND_TABLE) {
        value.value.table = {1, &entries_[i + 1]};
      } else {
        value.value.array = {1, &entries_[i + 1].value};
      }
    }
  }
  amqp_table_t table() { return {1, entries_.data()}; }

 private:
  std::vector<amqp_table_entry_t> entries_;
};

// Headers of one string.
class Long {
 public:
  explicit Long(std::size_t size)
      : text_(size, 'h'), entry_(Entry("k", AMQP_FIELD_KIND_UTF8)) {
    entry_.value.value.bytes = amqp::ToAmqp(text_);
  }
  amqp_table_t table() { return {1, &entry_}; }

 private:
  const std::string text_;
  amqp_table_entry_t entry_;
};

bool Eventually(const std::function<bool()>& holds) {
  const Deadline patience = Deadline::After(kPatience);
  while (!holds()) {
    if (patience.Expired(Clock::now())) return false;
  }
  return true;
}

// RabbitMQ closes the connection that publishes to such an address, and gives
// the request to the next server.
TEST(RabbitMqAttacks, ForgedReplyAddressesKillNoneOfEightServers) {
  constexpr int kForged = 50;
  const RabbitMqTopology topology = TutorialQueue(UniqueName("forged"));
  std::vector<std::unique_ptr<TestServer<ProbeServer>>> servers;
  for (int i = 0; i < 8; ++i) {
    servers.push_back(
        std::make_unique<TestServer<ProbeServer>>(At(topology), kDouble));
  }
  auto client = ProbeClient::Open(At<ProbeClient>(topology));
  ASSERT_TRUE(client.ok()) << client.status();
  PlainClient attacker(BrokerUrl());
  for (std::uint64_t i = 0; i < kForged; ++i) {
    attacker.Publish("", topology.queue,
                     {.body = "7", .reply_to = "amq.rabbitmq.reply-to.x.y"});
    const auto result = client->Call(i);
    EXPECT_TRUE(result.ok() && *result == 2 * i) << result.status();
  }
  EXPECT_TRUE(Eventually([&] {
    std::uint64_t dropped = 0;
    for (const auto& server : servers) {
      dropped += server->endpoint().server_counters().dropped;
    }
    return dropped == kForged;
  }));
  for (const auto& server : servers) {
    EXPECT_EQ(server->interruptions().count(), 0);
    EXPECT_EQ(server->endpoint().transport().counters().connected, 1u);
    EXPECT_TRUE(server->Stop().ok());
  }
  EXPECT_EQ(attacker.Depth(topology.queue), 0u);
  attacker.DeleteQueue(topology.queue);
}

// With an x-delivery-count it no longer fits in a frame: RabbitMQ sends one
// that is larger than what was agreed on.
TEST(RabbitMqAttacks, HeadersThatOutgrowTheFrameEndAtTheDeliveryLimit) {
  constexpr int kLimit = 3;
  const RabbitMqTopology topology = QuorumQueue(UniqueName("outgrows"), kLimit);
  { TestServer<ProbeServer> declares(At(topology), kDouble); }
  PlainClient attacker(BrokerUrl());
  // 8 bytes of frame, 14 of header, 4 of table and 7 of entry.
  Long headers(131'072 - 8 - 14 - 4 - 7);
  attacker.Publish("", topology.queue,
                   {.body = "7", .headers = headers.table()});
  {
    // Takes it and goes without a word.
    PlainClient dies(BrokerUrl());
    dies.Consume(topology.queue);
    ASSERT_TRUE(dies.Next(kPatience).has_value());
  }
  TestServer<ProbeServer> server(At(topology), kDouble);
  EXPECT_TRUE(Eventually(
      [&] { return attacker.Depth(topology.queue + ".dead") == 1u; }));
  EXPECT_EQ(server.interruptions().count(), kLimit);
  auto client = ProbeClient::Open(At<ProbeClient>(topology));
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(client->Call(21).value_or(0), 42u);
  EXPECT_TRUE(server.Stop().ok());
  EXPECT_EQ(attacker.Depth(topology.queue), 0u);
}

TEST(RabbitMqAttacks, HeaderBombsKillNoServer) {
  const RabbitMqTopology topology = TutorialQueue(UniqueName("bombs"));
  TestServer<ProbeServer> server(At(topology), kDouble);
  PlainClient attacker(BrokerUrl());
  const std::string replies = attacker.DeclareReplyQueue();
  Nested tables(18'000, AMQP_FIELD_KIND_TABLE);
  Nested arrays(26'000, AMQP_FIELD_KIND_ARRAY);
  Long full(131'072 - 8 - 14 - 4 - 7 - 1 - replies.size());
  for (const amqp_table_t& bomb :
       {tables.table(), arrays.table(), full.table()}) {
    attacker.Publish("", topology.queue,
                     {.body = "7", .reply_to = replies, .headers = bomb});
    const auto reply = attacker.Next(kPatience);
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->type, "error") << reply->body;
  }
  EXPECT_EQ(server.interruptions().count(), 0);
  EXPECT_TRUE(server.Stop().ok());
  attacker.DeleteQueue(topology.queue);
}

// Knows the address to which a client has its replies sent, and an id that the
// client has used.
class Injector {
 public:
  explicit Injector(const PlainMessage& seen)
      : seen_(seen), broker_(BrokerUrl()) {
    wrong_ = {Entry("", AMQP_FIELD_KIND_VOID),
              Entry("rpc-status", AMQP_FIELD_KIND_UTF8),
              Entry("rpc-not-run", AMQP_FIELD_KIND_TABLE)};
  }

  // The n-th forgery.
  void Inject(std::uint64_t n) {
    static constexpr std::string_view kBodies[] = {"66", "", "\xff{[", "[[[["};
    broker_.Publish("", seen_.reply_to,
                    {.body = std::string(kBodies[n / 5 % 4]),
                     .correlation_id = Id(n),
                     .headers = Headers(n)});
  }

 private:
  std::string Id(std::uint64_t n) const {
    switch (n % 5) {
      case 0:
        return "";
      case 1:
        return "66";
      case 2:  // doubled
        return seen_.correlation_id;
      case 3:  // the slots that are in use, and a guess
        return absl::StrCat(absl::Hex(n % 64, absl::kZeroPad8),
                            absl::Hex(n, absl::kZeroPad16));
      default:
        return absl::StrCat(absl::Hex(n % 64, absl::kZeroPad8),
                            seen_.correlation_id.substr(8));
    }
  }

  amqp_table_t Headers(std::uint64_t n) {
    if (n % 100 == 17) return tables_.table();
    if (n % 100 == 33) return arrays_.table();
    if (n % 100 == 79) return full_.table();
    if (n % 2 == 0) return {};
    return {static_cast<int>(wrong_.size()), wrong_.data()};
  }

  const PlainMessage seen_;
  PlainClient broker_;
  Nested tables_{18'000, AMQP_FIELD_KIND_TABLE};
  Nested arrays_{26'000, AMQP_FIELD_KIND_ARRAY};
  Long full_{130'000};
  std::vector<amqp_table_entry_t> wrong_;
};

// What is sent in reply to a call, by a server that gives itself away.
PlainMessage Eavesdrop(ProbeClient& client, const std::string& queue) {
  PlainClient server(BrokerUrl());
  server.Consume(queue);
  Event over;
  client.CallAsync(1, [&](const absl::StatusOr<std::uint64_t>& result) {
    EXPECT_TRUE(result.ok()) << result.status();
    over.Set();
  });
  PlainMessage request = server.Next(kPatience).value();
  server.Publish("", request.reply_to,
                 {.body = "2", .correlation_id = request.correlation_id});
  server.Ack(request.tag);
  EXPECT_TRUE(over.Wait());
  return request;
}

TEST(RabbitMqAttacks, InjectedRepliesReachNoCall) {
  constexpr std::uint64_t kCalls = 1'000;
  const RabbitMqTopology topology = TutorialQueue(UniqueName("injected"));
  { TestServer<ProbeServer> declares(At(topology), kDouble); }
  auto client = ProbeClient::Open(At<ProbeClient>(topology));
  ASSERT_TRUE(client.ok()) << client.status();
  Injector injector(Eavesdrop(*client, topology.queue));
  TestServer<ProbeServer> server(At(topology), kDouble);
  std::uint64_t injected = 0;
  Tally begun;
  std::jthread attack([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      injector.Inject(injected++);
      begun.Add();
    }
  });
  ASSERT_TRUE(begun.WaitFor(100));
  // 32 at a time, so that there are slots to be hit.
  Tally over;
  std::atomic<std::uint64_t> wrong{0};
  for (std::uint64_t i = 0; i < kCalls; ++i) {
    ASSERT_TRUE(over.WaitFor(static_cast<int>(i) - 31));
    client->CallAsync(i, [&, i](const absl::StatusOr<std::uint64_t>& result) {
      if (!result.ok() || *result != 2 * i) ++wrong;
      over.Add();
    });
  }
  ASSERT_TRUE(over.WaitFor(kCalls));
  attack.request_stop();
  attack.join();
  EXPECT_EQ(wrong, 0u);
  EXPECT_TRUE(Eventually(
      [&] { return client->call_counters().unknown_replies >= injected; }));
  EXPECT_EQ(client->call_counters().unknown_replies, injected);
  EXPECT_EQ(client->transport().counters().connected, 1u);
  EXPECT_EQ(server.interruptions().count(), 0);
  RecordProperty("injected", static_cast<int>(injected));
}

}  // namespace
}  // namespace rpc::testing
