#include <csignal>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/examples/fibonacci_programs.h"
#include "tests/support/private_broker.h"

// --topology and the default --queue of both programs, on a broker of their
// own: the reference's queue and exchange have the same names in every run.
namespace rpc::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FibonacciTopology : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto started = PrivateBroker::Start();
    ASSERT_TRUE(started.ok()) << started.status();
    broker_ = std::move(*started).release();
  }
  static void TearDownTestSuite() {
    delete broker_;
    broker_ = nullptr;
  }

  const std::string& url() const { return broker_->url(); }

  // Both programs with these flags understand each other.
  void ExpectTheyMeet(const std::string& queue, const Arguments& flags) const {
    Arguments arguments = {"--broker", url()};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    Program server("fibonacci_server", arguments);
    ASSERT_TRUE(server.WaitFor("serving fibonacci on " + queue + "\n"))
        << server.output();
    arguments.push_back("94");
    const Finished client = RunExample("fibonacci_client", arguments);
    EXPECT_EQ(client.exit_code, 0);
    EXPECT_THAT(Lines(client.output), ElementsAre(IsLineOf(94)));
    server.Signal(SIGTERM);
    EXPECT_EQ(server.Wait().exit_code, 0);
  }

  static PrivateBroker* broker_;
};

PrivateBroker* FibonacciTopology::broker_ = nullptr;

TEST_F(FibonacciTopology, TutorialIsADurableQueue) {
  ExpectTheyMeet("fibonacci", {});
  ExpectTheyMeet("first", {"--topology", "tutorial", "--queue", "first"});
  // A broker refuses to declare a queue again that is not the same.
  PlainClient(url()).DeclareQueue("fibonacci");
  PlainClient(url()).DeclareQueue("first");
}

TEST_F(FibonacciTopology, QuorumIsAReplicatedQueueWithDeadLetters) {
  ExpectTheyMeet("second", {"--topology", "quorum", "--queue", "second"});
  const auto queues = broker_->Ctl(
      {"list_queues", "--no-table-headers", "name", "type", "durable"});
  ASSERT_TRUE(queues.ok()) << queues.status();
  EXPECT_THAT(*queues, HasSubstr("second\tquorum\ttrue\n"));
  EXPECT_THAT(*queues, HasSubstr("second.dead\tquorum\ttrue\n"));
}

TEST_F(FibonacciTopology, ReferenceIsABoundQueueAndPersistentMessages) {
  ExpectTheyMeet("task_queue", {"--topology", "reference"});
  PlainClient tap(url());
  amqp_exchange_declare(tap.connection(), 1, amqp_cstring_bytes("logs_rpc"),
                        amqp_cstring_bytes("topic"), 0, 1, 0, 0,
                        amqp_empty_table);
  EXPECT_EQ(amqp_get_rpc_reply(tap.connection()).reply_type,
            AMQP_RESPONSE_NORMAL)
      << "logs_rpc is no durable topic exchange";
  tap.DeclareQueue("tap");
  tap.Bind("tap", "logs_rpc", "#");
  tap.Consume("tap");
  ExpectTheyMeet("third", {"--topology", "reference", "--queue", "third"});
  const auto request = tap.Next(kPatience);
  ASSERT_TRUE(request.has_value()) << "the client published elsewhere";
  EXPECT_EQ(request->body, "94");
  EXPECT_EQ(request->routing_key, "third");
  EXPECT_EQ(request->delivery_mode, 2);
  // Whatever its key: the request went to the first server's queue too.
  EXPECT_EQ(PlainClient(url()).Depth("task_queue"), 1u);
}

TEST_F(FibonacciTopology, PassiveTakesTheQueueAsItIs) {
  const Arguments flags = {"--topology", "passive", "--queue", "fourth"};
  Arguments arguments = {"--broker", url()};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  const Finished absent = RunExample("fibonacci_server", arguments);
  EXPECT_EQ(absent.exit_code, 1);
  EXPECT_THAT(absent.output, HasSubstr("NOT_FOUND"));
  amqp_table_entry_t entry = {};
  entry.key = amqp_cstring_bytes("x-max-length");
  entry.value.kind = AMQP_FIELD_KIND_I32;
  entry.value.value.i32 = 1000;
  PlainClient(url()).DeclareQueue("fourth", {1, &entry});
  ExpectTheyMeet("fourth", flags);
}

TEST_F(FibonacciTopology, QueueWithOtherArgumentsIsAClearFailure) {
  PlainClient(url()).DeclareQueue("fifth");
  const Finished server = RunExample(
      "fibonacci_server", At("fifth", {"--topology", "quorum"}, url()));
  EXPECT_EQ(server.exit_code, 1);
  EXPECT_THAT(server.output, HasSubstr("FAILED_PRECONDITION"));
  EXPECT_THAT(server.output, HasSubstr("declaring queue 'fifth'"));
}

}  // namespace
}  // namespace rpc::testing
