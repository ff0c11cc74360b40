#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/transport/rabbitmq_topology.h"
#include "tests/support/broker.h"
#include "tests/transport/rabbitmq_bench.h"
#include "tests/transport/rabbitmq_plain_client.h"
#include "tests/transport/rabbitmq_probe.h"

namespace rpc::testing {
namespace {

const Probe kEcho{[](const ServerContext&, std::uint64_t n) { return n; }};

amqp_table_entry_t Text(const char* key, const char* value) {
  amqp_table_entry_t entry = {};
  entry.key = amqp::ToAmqp(key);
  entry.value.kind = AMQP_FIELD_KIND_UTF8;
  entry.value.value.bytes = amqp::ToAmqp(value);
  return entry;
}

// A quorum queue of the preset, without servers by now.
class DeadLetters : public ::testing::Test {
 protected:
  static constexpr int kLimit = 1;

  DeadLetters() : name_(UniqueName("dead")), plain_(BrokerUrl()) {
    TestServer<ProbeServer> declares(At(QuorumQueue(name_, kLimit)), kEcho);
    amqp_confirm_select(plain_.connection(), 1);
  }
  ~DeadLetters() override {
    plain_.DeleteQueue(name_);
    plain_.DeleteQueue(dead_);
    amqp_exchange_delete(plain_.connection(), 1, amqp::ToAmqp(dead_), 0);
  }

  void Send(const std::string& body, const std::string& expiration = "") {
    plain_.Publish("", name_, {.body = body, .expiration = expiration});
    unconfirmed_.insert(unconfirmed_.end(), ++sent_);
  }

  // Until all that was sent is in the queue.
  void AwaitConfirms() {
    while (!unconfirmed_.empty()) {
      amqp_frame_t frame = {};
      timeval limit = absl::ToTimeval(kPatience);
      ASSERT_EQ(
          amqp_simple_wait_frame_noblock(plain_.connection(), &frame, &limit),
          AMQP_STATUS_OK);
      ASSERT_EQ(frame.frame_type, AMQP_FRAME_METHOD);
      ASSERT_EQ(frame.payload.method.id, AMQP_BASIC_ACK_METHOD);
      const auto& ack =
          *static_cast<const amqp_basic_ack_t*>(frame.payload.method.decoded);
      if (ack.multiple != 0) {
        unconfirmed_.erase(unconfirmed_.begin(),
                           unconfirmed_.upper_bound(ack.delivery_tag));
      } else {
        unconfirmed_.erase(ack.delivery_tag);
      }
    }
  }

  // Takes so many and gives none back: they are rejected.
  void RejectNext(int count) {
    rejects_.Consume(name_);
    for (int i = 0; i < count; ++i) {
      const std::uint64_t tag = rejects_.Next(kPatience).value().tag;
      amqp_basic_reject(rejects_.connection(), 1, tag, 0);
    }
  }

  bool AwaitDepth(const std::string& queue, std::uint32_t depth) {
    const Deadline patience = Deadline::After(kPatience);
    while (plain_.Depth(queue) != depth) {
      if (patience.Expired(Clock::now())) return false;
    }
    return true;
  }

  const std::string name_;
  const std::string dead_ = name_ + ".dead";
  PlainClient plain_;
  std::uint64_t sent_ = 0;
  std::set<std::uint64_t> unconfirmed_;
  // Stays: with its channel would go what the broker has not yet read from it.
  PlainClient rejects_{BrokerUrl()};
};

TEST_F(DeadLetters, OnlyWhatWasGivenUpOnAndNotWhatExpired) {
  constexpr int kExpired = 1'000;
  for (int i = 0; i < kExpired; ++i) Send("expires", "1");
  AwaitConfirms();
  ASSERT_TRUE(AwaitDepth(name_, 0));
  Send("poison");
  for (int i = 0; i <= kLimit; ++i) {
    // Takes it and goes without a word.
    PlainClient dies(BrokerUrl());
    dies.Consume(name_);
    ASSERT_EQ(dies.Next(kPatience).value().body, "poison");
  }
  ASSERT_TRUE(AwaitDepth(dead_, 1));
  Send("rejected");
  AwaitConfirms();
  RejectNext(1);
  // They keep their order: when the last has come, no expired one is yet to.
  AwaitDepth(dead_, 2);
  EXPECT_EQ(plain_.Depth(dead_), 2u);
  plain_.Consume(dead_);
  const PlainMessage poison = plain_.Next(kPatience).value();
  EXPECT_EQ(poison.body, "poison");
  EXPECT_EQ(poison.headers.at("x-first-death-reason"), "delivery_limit");
  EXPECT_EQ(plain_.Next(kPatience).value().body, "rejected");
}

TEST_F(DeadLetters, QueueWithAnotherDeadLetterExchangeIsRefusedInWords) {
  plain_.DeleteQueue(name_);
  amqp_table_entry_t arguments[] = {Text("x-queue-type", "quorum"),
                                    Text("x-dead-letter-exchange", ""),
                                    Text("x-delivery-limit", "")};
  arguments[2].value.kind = AMQP_FIELD_KIND_I64;
  arguments[2].value.value.i64 = kLimit;
  plain_.DeclareQueue(name_, {3, arguments});
  TestServer<ProbeServer> refused(TestServer<ProbeServer>::Deferred{},
                                  At(QuorumQueue(name_, kLimit)), kEcho);
  const absl::Status status = refused.Wait();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_NE(ToStd(status.message()).find("x-dead-letter-exchange"),
            std::string_view::npos)
      << status;
}

TEST_F(DeadLetters, AreBounded) {
  constexpr int kBound = 10'000;
  constexpr int kOver = 100;
  // Gets a copy of each.
  const std::string copies = UniqueName("copies");
  plain_.DeclareQueue(copies);
  amqp_table_entry_t any = Text("x-match", "all-with-x");
  const amqp_table_t arguments = {1, &any};
  amqp_queue_bind(plain_.connection(), 1, amqp::ToAmqp(copies),
                  amqp::ToAmqp(dead_), amqp_empty_bytes, arguments);
  for (int i = 0; i < kBound + kOver; ++i) Send(absl::StrCat(i));
  AwaitConfirms();
  RejectNext(kBound + kOver);
  EXPECT_TRUE(AwaitDepth(copies, kBound + kOver));
  EXPECT_TRUE(AwaitDepth(dead_, kBound));
  // The oldest gave way.
  plain_.Consume(dead_);
  EXPECT_EQ(plain_.Next(kPatience).value().body, absl::StrCat(kOver));
  plain_.DeleteQueue(copies);
}

}  // namespace
}  // namespace rpc::testing
