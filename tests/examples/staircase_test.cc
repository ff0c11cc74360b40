#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rpc/core/awaitable_call.h"
#include "tests/examples/program.h"
#include "tests/support/broker.h"
#include "tests/support/subprocess.h"

// Each step of the staircase runs, and says what its text promises.
namespace rpc::testing {
namespace {

using ::testing::HasSubstr;

MATCHER_P2(Ends, exit_code, output, "") {
  *result_listener << "exit code " << arg.exit_code << " after:\n"
                   << arg.output;
  return arg.exit_code == exit_code && arg.output == output;
}

TEST(Staircase, HelloOverMemoryDoubles) {
  EXPECT_THAT(RunExample("hello_memory"), Ends(0, "double(21) = 42\n"));
}

TEST(Staircase, HelloOverRabbitMqCallsThroughTheBroker) {
  EXPECT_THAT(RunExample("hello_rabbitmq", {BrokerUrl()}),
              Ends(0, "fib(90) = 2880067194370816120\n"));
}

TEST(Staircase, HelloOverRabbitMqNeedsABroker) {
  EXPECT_THAT(RunExample("hello_rabbitmq"), Ends(2, ""));
  EXPECT_THAT(RunExample("hello_rabbitmq", {"http://localhost"}), Ends(1, ""));
}

TEST(Staircase, HelloOverAClusterTakesTheNodeThatIsUp) {
  const std::string away = "amqp://guest:guest@127.0.0.1:1";
  const auto run = RunExample("hello_cluster", {away, BrokerUrl()});
  EXPECT_EQ(run.exit_code, 0) << run.output;
  EXPECT_THAT(run.output, HasSubstr("failed: UNAVAILABLE: "));
  EXPECT_THAT(run.output, HasSubstr("connected: OK\n"));
  EXPECT_THAT(run.output, HasSubstr("fib(90) = 2880067194370816120\n"));
  EXPECT_THAT(RunExample("hello_cluster"), Ends(2, ""));
}

TEST(Staircase, ErrorsAndDeadlinesSayWhetherTheHandlerMayHaveRun) {
  EXPECT_THAT(
      RunExample("errors_and_deadlines"),
      Ends(0,
           "no server yet: UNAVAILABLE, has not run: safe to try again\n"
           "in time: 1\n"
           "refused by the handler: INVALID_ARGUMENT, may have run: look "
           "before you try again\n"
           "thrown by the handler: UNKNOWN, may have run: look before you try "
           "again\n"
           "too late: DEADLINE_EXCEEDED, may have run: look before you try "
           "again\n"
           "cancelled: CANCELLED, has not run: safe to try again\n"));
}

TEST(Staircase, CallFormsHaveOneResult) {
  std::string printed =
      "blocking: 2880067194370816120\n"
      "callback: 2880067194370816120\n"
      "future: 2880067194370816120\n"
      "future: 4660046610375530309\n"
      "batch: 1\n"
      "batch: 2880067194370816120\n"
      "batch: OUT_OF_RANGE\n";
#ifdef RPC_HAS_COROUTINES
  printed +=
      "co_await: 2880067194370816120\n"
      "co_await on an executor: 4660046610375530309\n";
#endif
  EXPECT_THAT(RunExample("call_forms"), Ends(0, printed));
}

TEST(Staircase, TwoMethodsAreCalledByName) {
  EXPECT_THAT(RunExample("two_methods"),
              Ends(0, "add(2, 3) = 5\nHello, world!\n"));
}

TEST(Staircase, OwnSerializerCarriesTheNumber) {
  EXPECT_THAT(RunExample("own_serializer"),
              Ends(0, "fib(90) = 2880067194370816120\n"));
}

TEST(Staircase, OwnHandlerBooksEachVoucherOnce) {
  EXPECT_THAT(RunExample("own_handler"), Ends(0,
                                              "a: deposited 100, now 100\n"
                                              "b: deposited 20, now 120\n"
                                              "b: deposited 20, now 120\n"
                                              "c: INVALID_ARGUMENT\n"));
}

TEST(Staircase, OwnTransportCarriesTheCall) {
  EXPECT_THAT(RunExample("own_transport"),
              Ends(0, "fib(90) = 2880067194370816120\n"));
}

}  // namespace
}  // namespace rpc::testing
