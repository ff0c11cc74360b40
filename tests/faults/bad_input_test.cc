#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
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

// A server that is sent what no client of ours sends. It returns n.
class BadInput : public ::testing::Test {
 protected:
  BadInput()
      : topology_(TutorialQueue(UniqueName("bad-input"))),
        victim_(UniqueName("victim")),
        plain_(BrokerUrl()),
        replies_(plain_.DeclareReplyQueue()) {
    plain_.DeclareQueue(victim_);
    auto options = At(topology_);
    options.transport.max_body_bytes = 4096;
    server_.emplace(options,
                    Probe{[this](const ServerContext&, std::uint64_t n) {
                      runs_.Add();
                      return n;
                    }});
  }

  // After each test: the server goes on serving, all that was sent to it is
  // acknowledged, and nothing was published where it should not be.
  ~BadInput() override {
    const int before = runs_.count();
    const PlainMessage reply = Answer({.body = "7", .correlation_id = "last"});
    EXPECT_EQ(reply.body, "7");
    EXPECT_EQ(reply.correlation_id, "last");
    EXPECT_EQ(runs_.count(), before + 1);
    EXPECT_EQ(server_->interruptions().count(), 0);
    EXPECT_TRUE(server_->Stop().ok());
    EXPECT_EQ(plain_.Depth(topology_.queue), 0u);
    EXPECT_EQ(plain_.Depth(victim_), 0u);
    plain_.DeleteQueue(topology_.queue);
    plain_.DeleteQueue(victim_);
  }

  void Send(const PlainRequest& request) {
    plain_.Publish("", topology_.queue, request);
  }

  // What comes back for a request; its reply address is filled in.
  PlainMessage Answer(PlainRequest request) {
    request.reply_to = replies_;
    Send(request);
    std::optional<PlainMessage> reply = plain_.Next(kPatience);
    EXPECT_TRUE(reply.has_value()) << "no answer";
    return reply.value_or(PlainMessage());
  }

  // The request is answered with an error and has not run.
  void ExpectRefused(PlainRequest request, absl::StatusCode code) {
    const int before = runs_.count();
    request.correlation_id = "bad";
    const PlainMessage reply = Answer(std::move(request));
    EXPECT_EQ(reply.correlation_id, "bad");
    EXPECT_EQ(reply.type, "error");
    EXPECT_EQ(reply.headers.count("rpc-status"), 1u);
    if (reply.headers.count("rpc-status") == 1) {
      EXPECT_EQ(reply.headers.at("rpc-status"),
                std::to_string(static_cast<int>(code)))
          << reply.body;
    }
    EXPECT_EQ(reply.headers.count("rpc-not-run"), 1u);
    const std::string name(absl::StatusCodeToString(code));
    EXPECT_EQ(reply.body.rfind("{\"error\":{\"type\":\"" + name + "\"", 0), 0u)
        << reply.body;
    EXPECT_EQ(runs_.count(), before);
  }

  const RabbitMqTopology topology_;
  // A queue that nobody may be made to publish to.
  const std::string victim_;
  PlainClient plain_;
  const std::string replies_;
  Tally runs_;
  std::optional<TestServer<ProbeServer>> server_;
};

amqp_table_entry_t Entry(const char* key, std::uint8_t kind) {
  amqp_table_entry_t entry = {};
  entry.key = amqp::ToAmqp(key);
  entry.value.kind = kind;
  return entry;
}

TEST_F(BadInput, BodiesThatAreNoNumberAreRefused) {
  for (const std::string body :
       {"", " ", "x", " 7", "7 ", "+7", "7x", "-1", "0x7", "7.0", "1e3", "007x",
        "\xff\xfe", "{\"n\":7}", "[7]", "null", "NaN"}) {
    SCOPED_TRACE("body \"" + body + "\"");
    ExpectRefused({.body = body}, absl::StatusCode::kInvalidArgument);
  }
  ExpectRefused({.body = std::string("7\0", 2)},
                absl::StatusCode::kInvalidArgument);
}

TEST_F(BadInput, NumbersThatDoNotFitAreRefused) {
  ExpectRefused({.body = "18446744073709551616"},
                absl::StatusCode::kOutOfRange);
  ExpectRefused({.body = std::string(4000, '9')},
                absl::StatusCode::kOutOfRange);
}

TEST_F(BadInput, BodyOverTheLimitIsRefused) {
  ExpectRefused({.body = std::string(4097, '1')},
                absl::StatusCode::kResourceExhausted);
  ExpectRefused({.body = std::string(10 << 20, '1')},
                absl::StatusCode::kResourceExhausted);
}

TEST_F(BadInput, NestedTooDeepIsRefused) {
  ExpectRefused({.body = std::string(4000, '[')},
                absl::StatusCode::kInvalidArgument);
}

TEST_F(BadInput, ForeignContentTypeIsRefused) {
  ExpectRefused({.body = "7", .content_type = "application/json"},
                absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Answer({.body = "7", .content_type = "text/plain"}).body, "7");
}

TEST_F(BadInput, ErrorIsNoNumberToAPlainClient) {
  const PlainMessage reply = Answer({.body = "x"});
  EXPECT_EQ(reply.body.find_first_of("0123456789"), reply.body.find("3}"));
  EXPECT_EQ(reply.content_type, "application/json");
}

TEST_F(BadInput, WithoutReplyAddressItRunsAndNobodyIsAnswered) {
  Send({.body = "7"});
  ASSERT_TRUE(runs_.WaitFor(1));
  Send({.body = "x"});
  EXPECT_FALSE(plain_.Next(absl::ZeroDuration()).has_value());
}

TEST_F(BadInput, ReplyAddressThatIsNotAllowedIsNeitherRunNorPublishedTo) {
  for (const std::string& address :
       {victim_, topology_.queue, std::string("amq.rabbitmq.reply-to.x.y"),
        std::string("rpc.replyx"), std::string("AMQ.GEN-x"),
        std::string("amq.gen"), std::string(255, 'q')}) {
    Send({.body = "7", .reply_to = address, .correlation_id = "forged"});
    Send({.body = "x", .reply_to = address, .correlation_id = "forged"});
  }
  // Requests are taken in their order: those before this one are settled.
  EXPECT_EQ(Answer({.body = "8"}).body, "8");
  EXPECT_EQ(runs_.count(), 1);
  EXPECT_EQ(server_->endpoint().server_counters().dropped, 14u);
}

TEST_F(BadInput, ReplyAddressThatIsGoneDoesNoHarm) {
  Send({.body = "7", .reply_to = "amq.gen-nobody", .correlation_id = "a"});
  ASSERT_TRUE(runs_.WaitFor(1));
}

TEST_F(BadInput, CorrelationIdComesBackAsItWas) {
  for (const std::string& id :
       {std::string(), std::string("no id of ours"), std::string(255, 'x'),
        std::string("\x01\xff\n", 3)}) {
    EXPECT_EQ(Answer({.body = "7", .correlation_id = id}).correlation_id, id);
  }
  EXPECT_EQ(Answer({.body = "7", .message_id = "m"}).correlation_id, "m");
}

TEST_F(BadInput, KnownHeaderOfTheWrongTypeIsRefused) {
  amqp_table_entry_t method = Entry("rpc-method", AMQP_FIELD_KIND_I64);
  method.value.value.i64 = 1;
  ExpectRefused({.body = "7", .headers = {1, &method}},
                absl::StatusCode::kInvalidArgument);
  amqp_table_entry_t attempt = Entry("rpc-attempt", AMQP_FIELD_KIND_UTF8);
  attempt.value.value.bytes = amqp::ToAmqp("2");
  ExpectRefused({.body = "7", .headers = {1, &attempt}},
                absl::StatusCode::kInvalidArgument);
}

TEST_F(BadInput, UnknownMethodIsRefused) {
  amqp_table_entry_t method = Entry("rpc-method", AMQP_FIELD_KIND_UTF8);
  method.value.value.bytes = amqp::ToAmqp("launch");
  ExpectRefused({.body = "7", .headers = {1, &method}},
                absl::StatusCode::kUnimplemented);
}

TEST_F(BadInput, TooManyHeadersAreRefused) {
  std::vector<amqp_table_entry_t> many(2000,
                                       Entry("key", AMQP_FIELD_KIND_BOOLEAN));
  ExpectRefused(
      {.body = "7", .headers = {static_cast<int>(many.size()), many.data()}},
      absl::StatusCode::kInvalidArgument);
}

TEST_F(BadInput, HugeHeaderIsRefused) {
  const std::string huge(100'000, 'h');
  amqp_table_entry_t entry = Entry("huge", AMQP_FIELD_KIND_UTF8);
  entry.value.value.bytes = amqp::ToAmqp(huge);
  ExpectRefused({.body = "7", .headers = {1, &entry}},
                absl::StatusCode::kInvalidArgument);
}

TEST_F(BadInput, DeeplyNestedHeadersAreRefused) {
  constexpr std::size_t kLevels = 20'000;
  std::vector<amqp_field_value_t> levels(kLevels);
  for (std::size_t i = 0; i < kLevels; ++i) {
    levels[i].kind = AMQP_FIELD_KIND_ARRAY;
    levels[i].value.array = {i + 1 < kLevels ? 1 : 0,
                             i + 1 < kLevels ? &levels[i + 1] : nullptr};
  }
  amqp_table_entry_t entry = Entry("deep", AMQP_FIELD_KIND_ARRAY);
  entry.value = levels[0];
  ExpectRefused({.body = "7", .headers = {1, &entry}},
                absl::StatusCode::kInvalidArgument);
}

TEST_F(BadInput, EmptyKeysAndForeignTypesAreSkipped) {
  amqp_table_entry_t inner = Entry("rpc-method", AMQP_FIELD_KIND_I64);
  std::vector<amqp_table_entry_t> entries = {
      Entry("", AMQP_FIELD_KIND_VOID), Entry("nothing", AMQP_FIELD_KIND_VOID),
      Entry("real", AMQP_FIELD_KIND_F64), Entry("table", AMQP_FIELD_KIND_TABLE),
      Entry("x-delivery-count", AMQP_FIELD_KIND_I64)};
  // A known key of the wrong type, but not at depth one.
  entries[3].value.value.table = {1, &inner};
  entries[4].value.value.i64 = 1'000'000;
  EXPECT_EQ(
      Answer({.body = "7",
              .headers = {static_cast<int>(entries.size()), entries.data()}})
          .body,
      "7");
}

TEST_F(BadInput, ExpiredRequestIsNotRun) {
  // Held up behind a request that the only worker is busy with.
  Event running, release;
  const std::string queue = UniqueName("expires");
  auto options = At(TutorialQueue(queue));
  options.server.workers = 1;
  Tally runs;
  TestServer<ProbeServer> server(
      options, Probe{[&](const ServerContext&, std::uint64_t n) {
        runs.Add();
        running.Set();
        release.Wait();
        return n;
      }});
  plain_.Publish("", queue, {.body = "1", .reply_to = replies_});
  ASSERT_TRUE(running.Wait());
  plain_.Publish("", queue,
                 {.body = "2", .reply_to = replies_, .expiration = "1"});
  // It has reached the server, and its millisecond is over, when this one has.
  const absl::Time begin = absl::Now();
  while (plain_.Depth(queue) != 0u ||
         absl::Now() - begin < absl::Milliseconds(20)) {
  }
  release.Set();
  EXPECT_EQ(plain_.Next(kPatience).value().body, "1");
  const PlainMessage reply = plain_.Next(kPatience).value();
  EXPECT_EQ(
      reply.headers.at("rpc-status"),
      std::to_string(static_cast<int>(absl::StatusCode::kDeadlineExceeded)));
  EXPECT_EQ(runs.count(), 1);
}

// The other way round: what a client is sent.
TEST(BadReply, UnknownIdsAreCountedAndDropped) {
  const RabbitMqTopology topology = TutorialQueue(UniqueName("bad-reply"));
  PlainClient server(BrokerUrl());
  server.DeclareQueue(topology.queue);
  server.Consume(topology.queue);
  auto client = ProbeClient::Open(At<ProbeClient>(topology));
  ASSERT_TRUE(client.ok()) << client.status();
  Event over;
  client->CallAsync(1, [&](const absl::StatusOr<std::uint64_t>& result) {
    EXPECT_TRUE(result.ok() && *result == 10u) << result.status();
    over.Set();
  });
  const PlainMessage request = server.Next(kPatience).value();
  std::string forged = request.correlation_id;
  forged.back() = forged.back() == '0' ? '1' : '0';
  for (const std::string& id : {std::string(), std::string("x"), forged,
                                request.correlation_id + "0"}) {
    server.Publish("", request.reply_to, {.body = "66", .correlation_id = id});
  }
  server.Publish("", request.reply_to,
                 {.body = "10", .correlation_id = request.correlation_id});
  server.Publish("", request.reply_to,
                 {.body = "11", .correlation_id = request.correlation_id});
  server.Ack(request.tag);
  ASSERT_TRUE(over.Wait());
  client->CallAsync(2, [](const absl::StatusOr<std::uint64_t>&) {});
  const PlainMessage next = server.Next(kPatience).value();
  server.Publish("", next.reply_to,
                 {.body = "x", .correlation_id = next.correlation_id});
  const Deadline patience = Deadline::After(kPatience);
  while (client->call_counters().unknown_replies < 5 &&
         !patience.Expired(Clock::now())) {
  }
  EXPECT_EQ(client->call_counters().unknown_replies, 5u);
}

TEST(BadReply, BodyThatIsNoResultIsInternalAndMayHaveRun) {
  const RabbitMqTopology topology = TutorialQueue(UniqueName("no-result"));
  PlainClient server(BrokerUrl());
  server.DeclareQueue(topology.queue);
  server.Consume(topology.queue);
  auto client = ProbeClient::Open(At<ProbeClient>(topology));
  ASSERT_TRUE(client.ok()) << client.status();
  for (const std::string body : {"", "x", "-1", "1 "}) {
    Event over;
    client->CallAsync(1, [&](const absl::StatusOr<std::uint64_t>& result) {
      EXPECT_EQ(result.status().code(), absl::StatusCode::kInternal);
      EXPECT_TRUE(MayHaveRun(result.status()));
      over.Set();
    });
    const PlainMessage request = server.Next(kPatience).value();
    server.Publish("", request.reply_to,
                   {.body = body, .correlation_id = request.correlation_id});
    EXPECT_TRUE(over.Wait());
  }
}

}  // namespace
}  // namespace rpc::testing
