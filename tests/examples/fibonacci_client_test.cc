#include <cstdint>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/amqp/listening_socket.h"
#include "tests/examples/fibonacci_programs.h"

// The face of //examples:fibonacci_client on a real broker.
namespace rpc::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::SizeIs;

// Microseconds of a line, the last thing in it; -1 if there are none.
std::int64_t Microseconds(const std::string& line) {
  std::smatch found;
  if (!std::regex_search(line, found, std::regex(" \\(([0-9]+) us\\)$"))) {
    return -1;
  }
  return std::stoll(found[1]);
}

// A server that knows nothing of this library, and answers when the test says.
class PlainServer {
 public:
  explicit PlainServer(const std::string& queue) : client_(BrokerUrl()) {
    client_.DeclareQueue(queue);
    client_.Consume(queue);
  }
  std::optional<PlainMessage> Next(absl::Duration patience = kPatience) {
    return client_.Next(patience);
  }
  void Answer(const PlainMessage& request, const std::string& body) {
    client_.Publish("", request.reply_to,
                    {.body = body, .correlation_id = request.correlation_id});
    client_.Ack(request.tag);
  }

 private:
  PlainClient client_;
};

TEST(FibonacciClient, PrintsALineForEachCall) {
  const std::string queue = UniqueQueue("lines");
  const auto server = Serve(queue);
  const Finished client = Ask(queue, {"0", "1", "90", "93", "94", "100000"});
  EXPECT_EQ(client.exit_code, 0) << client.output;
  EXPECT_THAT(Lines(client.output),
              ElementsAre(IsLineOf(0), IsLineOf(1), IsLineOf(90), IsLineOf(93),
                          IsLineOf(94), IsLineOf(100000)));
}

TEST(FibonacciClient, FailureOfOneCallIsItsLineAndTheExitCode) {
  const std::string queue = UniqueQueue("failure");
  const auto server = Serve(queue);
  const Finished client = Ask(queue, {"90", "100001", "94"});
  EXPECT_EQ(client.exit_code, 1) << client.output;
  EXPECT_THAT(
      Lines(client.output),
      ElementsAre(
          IsLineOf(90),
          MatchesRegex("fib\\(100001\\) failed: OUT_OF_RANGE: .*the largest n "
                       "allowed is 100000 \\([0-9]+ us\\)"),
          IsLineOf(94)));
}

TEST(FibonacciClient, CallToAQueueThatDoesNotExistFailsAtOnce) {
  const Finished client = Ask(UniqueQueue("none"), {"--deadline", "60s", "7"});
  EXPECT_EQ(client.exit_code, 1);
  EXPECT_THAT(Lines(client.output),
              ElementsAre(AllOf(HasSubstr("fib(7) failed: UNAVAILABLE: "),
                                HasSubstr("is a server running?"))));
  EXPECT_LT(Microseconds(client.output.substr(0, client.output.find('\n'))),
            30'000'000);
}

TEST(FibonacciClient, DeadlineEndsACall) {
  const std::string queue = UniqueQueue("deadline");
  PlainServer silent(queue);
  const Finished client = Ask(queue, {"--deadline", "200ms", "7"});
  EXPECT_EQ(client.exit_code, 1);
  const std::vector<std::string> lines = Lines(client.output);
  ASSERT_THAT(lines, SizeIs(1)) << client.output;
  EXPECT_THAT(lines[0], HasSubstr("fib(7) failed: DEADLINE_EXCEEDED: "));
  EXPECT_GE(Microseconds(lines[0]), 200'000);
  // Its default would be 5 s.
  EXPECT_LT(Microseconds(lines[0]), 4'500'000);
}

TEST(FibonacciClient, DeadlineCoversReachingTheBroker) {
  const amqp::ListeningSocket silent;
  const std::string address = "127.0.0.1:" + std::to_string(silent.port());
  const auto begin = std::chrono::steady_clock::now();
  const Finished client =
      Ask("any", {"--deadline", "200ms", "7"}, "amqp://me:secret@" + address);
  EXPECT_LT(std::chrono::steady_clock::now() - begin,
            std::chrono::milliseconds(4500));
  EXPECT_EQ(client.exit_code, 1);
  EXPECT_THAT(Lines(client.output), ElementsAre(HasSubstr(address)));
  EXPECT_EQ(client.output.find("secret"), std::string::npos) << client.output;
}

TEST(FibonacciClient, InFlightIsHowManyCallsAreUnderWay) {
  const std::string queue = UniqueQueue("in_flight");
  PlainServer server(queue);
  Program client(
      "fibonacci_client",
      At(queue, {"--in_flight", "3", "--repeat", "5", "7"}, BrokerUrl()));
  std::vector<PlainMessage> requests;
  for (int i = 0; i < 3; ++i) {
    requests.push_back(server.Next().value());
  }
  EXPECT_FALSE(server.Next(absl::Milliseconds(300)).has_value());
  for (int i = 0; i < 5; ++i) {
    server.Answer(requests.at(static_cast<std::size_t>(i)), "13");
    if (i < 2) requests.push_back(server.Next().value());
  }
  const Finished finished = client.Wait();
  EXPECT_EQ(finished.exit_code, 0) << finished.output;
  EXPECT_THAT(Lines(finished.output),
              ::testing::AllOf(SizeIs(5), ::testing::Each(IsLineOf(7))));
}

TEST(FibonacciClient, CallsComeOneAfterTheOtherByDefault) {
  const std::string queue = UniqueQueue("one_by_one");
  PlainServer server(queue);
  Program client("fibonacci_client", At(queue, {"7", "8"}, BrokerUrl()));
  const PlainMessage first = server.Next().value();
  EXPECT_EQ(first.body, "7");
  EXPECT_FALSE(server.Next(absl::Milliseconds(300)).has_value());
  server.Answer(first, "13");
  const PlainMessage second = server.Next().value();
  EXPECT_EQ(second.body, "8");
  server.Answer(second, "21");
  EXPECT_EQ(client.Wait().exit_code, 0);
}

TEST(FibonacciClient, RepeatAsksThatOftenForEachNumber) {
  const std::string queue = UniqueQueue("repeat");
  const auto server = Serve(queue);
  const Finished client = Ask(queue, {"--repeat", "3", "7", "90"});
  EXPECT_EQ(client.exit_code, 0);
  EXPECT_THAT(Lines(client.output),
              ElementsAre(IsLineOf(7), IsLineOf(7), IsLineOf(7), IsLineOf(90),
                          IsLineOf(90), IsLineOf(90)));
}

TEST(FibonacciClient, JsonIsAnObjectForEachCall) {
  const std::string queue = UniqueQueue("json");
  const auto server = Serve(queue, {"--max_n", "100"});
  const Finished client = Ask(queue, {"--json", "94", "101"});
  EXPECT_EQ(client.exit_code, 1);
  const std::vector<std::string> lines = Lines(client.output);
  ASSERT_THAT(lines, SizeIs(2)) << client.output;
  const auto good = nlohmann::json::parse(lines[0]);
  EXPECT_EQ(good.at("n"), 94);
  EXPECT_EQ(good.at("value"), Fibonacci(94));
  EXPECT_THAT(good.at("microseconds").get<std::int64_t>(), Gt(0));
  EXPECT_FALSE(good.contains("status"));
  const auto bad = nlohmann::json::parse(lines[1]);
  EXPECT_EQ(bad.at("n"), 101);
  EXPECT_EQ(bad.at("status"), "OUT_OF_RANGE");
  EXPECT_THAT(bad.at("message").get<std::string>(), HasSubstr("n = 101"));
  EXPECT_EQ(bad.at("may_have_run"), true);
  EXPECT_THAT(bad.at("microseconds").get<std::int64_t>(), Gt(0));
  EXPECT_FALSE(bad.contains("value"));
}

TEST(FibonacciClient, MemoryNeedsNoBroker) {
  const Finished client = RunExample(
      "fibonacci_client", {"--broker", "memory", "--queue", "mine",
                           "--in_flight", "4", "0", "1", "93", "94", "100001"});
  EXPECT_EQ(client.exit_code, 1);
  EXPECT_THAT(
      Lines(client.output),
      ::testing::UnorderedElementsAre(
          IsLineOf(0), IsLineOf(1), IsLineOf(93), IsLineOf(94),
          HasSubstr("fib(100001) failed: OUT_OF_RANGE: fibonacci over queue "
                    "\"mine\"")));
  EXPECT_EQ(RunExample("fibonacci_client", {"--broker=memory", "90"}).exit_code,
            0);
}

}  // namespace
}  // namespace rpc::testing
