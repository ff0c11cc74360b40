#include <sys/wait.h>

#include <csignal>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/examples/fibonacci_programs.h"

// The face of //examples:fibonacci_server on a real broker.
namespace rpc::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

// Seconds of work, for a number that is too long to travel.
constexpr unsigned long kSlow = 100'000'000;

// A client that knows nothing of this library.
class PlainCaller {
 public:
  explicit PlainCaller(const std::string& queue)
      : client_(BrokerUrl()),
        queue_(queue),
        reply_queue_(client_.DeclareReplyQueue()) {}

  void Ask(unsigned long n) { Ask(n, reply_queue_); }
  void Ask(unsigned long n, const std::string& reply_to) {
    const std::string text = std::to_string(n);
    client_.Publish(
        "", queue_,
        {.body = text, .reply_to = reply_to, .correlation_id = text});
  }
  // The next answer in time, as "n: body".
  std::string NextAnswer(absl::Duration patience = kPatience) {
    const auto answer = client_.Next(patience);
    return answer.has_value() ? answer->correlation_id + ": " + answer->body
                              : "none";
  }
  PlainClient& client() { return client_; }

 private:
  PlainClient client_;
  const std::string queue_;
  const std::string reply_queue_;
};

// A server that computes kSlow while this returns.
std::unique_ptr<Program> ServeBusy(const std::string& queue,
                                   PlainCaller& caller,
                                   const std::string& drain) {
  auto server = Serve(queue, {"--workers", "2", "--prefetch", "2", "--max_n",
                              std::to_string(kSlow), "--drain", drain});
  caller.Ask(kSlow);
  // What comes later is begun later.
  caller.Ask(7);
  EXPECT_EQ(caller.NextAnswer(), "7: 13");
  return server;
}

void ExpectEndsBy(int signal) {
  const std::string queue = UniqueQueue("end");
  const auto server = Serve(queue, {"--max_n", "100"});
  EXPECT_EQ(Ask(queue, {"90", "101", "100"}).exit_code, 1);
  server->Signal(signal);
  const Finished finished = server->Wait();
  EXPECT_EQ(finished.exit_code, 0);
  EXPECT_EQ(finished.output,
            "serving fibonacci on " + queue +
                "\nserved 3 requests: 2 succeeded, 1 failed; 0 had expired, 0 "
                "were redelivered, 0 were given back, 0 were dropped\n");
}

TEST(FibonacciServer, SaysWhatItDidWhenSigtermEndsIt) { ExpectEndsBy(SIGTERM); }

TEST(FibonacciServer, SaysWhatItDidWhenSigintEndsIt) { ExpectEndsBy(SIGINT); }

TEST(FibonacciServer, FinishesWhatRunsBeforeItEnds) {
  const std::string queue = UniqueQueue("finish");
  PlainCaller caller(queue);
  const auto server = ServeBusy(queue, caller, "60s");
  server->Signal(SIGTERM);
  const Finished finished = server->Wait();
  EXPECT_EQ(finished.exit_code, 0) << finished.output;
  EXPECT_THAT(finished.output,
              HasSubstr("served 2 requests: 1 succeeded, 1 failed"));
  EXPECT_THAT(caller.NextAnswer(),
              HasSubstr(std::to_string(kSlow) + ": {\"error"));
}

TEST(FibonacciServer, DrainIsHowLongItWaitsForWhatRuns) {
  const std::string queue = UniqueQueue("drain");
  PlainCaller caller(queue);
  const auto server = ServeBusy(queue, caller, "1ms");
  server->Signal(SIGTERM);
  const Finished finished = server->Wait();
  EXPECT_EQ(finished.exit_code, 1) << finished.output;
  EXPECT_THAT(finished.output, HasSubstr("DEADLINE_EXCEEDED: "));
  EXPECT_THAT(finished.output, HasSubstr("served "));
}

TEST(FibonacciServer, MaxNIsTheLargestServed) {
  const std::string queue = UniqueQueue("max_n");
  const auto server = Serve(queue, {"--max_n", "150000"});
  const Finished client = Ask(queue, {"150000", "150001"});
  EXPECT_EQ(client.exit_code, 1);
  const std::vector<std::string> lines = Lines(client.output);
  ASSERT_EQ(lines.size(), 2u) << client.output;
  EXPECT_THAT(lines[0], IsLineOf(150000));
  EXPECT_THAT(lines[1], HasSubstr("the largest n allowed is 150000"));
}

std::ptrdiff_t CountThreads(const Program& program) {
  const std::filesystem::directory_iterator threads(
      "/proc/" + std::to_string(program.pid()) + "/task");
  return std::distance(begin(threads), end(threads));
}

TEST(FibonacciServer, WorkersIsItsNumberOfComputingThreads) {
  const auto none = Serve(UniqueQueue("workers"), {"--workers", "0"});
  const auto many = Serve(UniqueQueue("workers"), {"--workers", "40"});
  const std::ptrdiff_t difference = CountThreads(*many) - CountThreads(*none);
  // A thread of the connection's may have come or gone in between.
  EXPECT_GE(difference, 38);
  EXPECT_LE(difference, 42);
}

TEST(FibonacciServer, WithoutWorkersTheConnectionsThreadComputes) {
  const std::string queue = UniqueQueue("no_workers");
  const auto server = Serve(queue, {"--workers", "0"});
  EXPECT_THAT(Ask(queue, {"94"}).output, HasSubstr(Fibonacci(94)));
  server->Signal(SIGTERM);
  EXPECT_EQ(server->Wait().exit_code, 0);
}

TEST(FibonacciServer, PrefetchIsHowManyRequestsItTakes) {
  constexpr unsigned long kRequests = 10;
  const std::string queue = UniqueQueue("prefetch");
  const auto server = Serve(queue, {"--prefetch", "3"});
  server->Signal(SIGSTOP);
  siginfo_t stopped;
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(server->pid()), &stopped, WSTOPPED),
            0);
  PlainCaller caller(queue);
  for (unsigned long n = 0; n < kRequests; ++n) caller.Ask(n);
  // What a stopped server has taken does not come to the next one.
  caller.client().Consume(queue);
  for (unsigned long n = 3; n < kRequests; ++n) {
    const auto request = caller.client().Next(kPatience);
    ASSERT_TRUE(request.has_value());
    EXPECT_EQ(request->body, std::to_string(n));
    caller.client().Ack(request->tag);
  }
  EXPECT_EQ(caller.NextAnswer(absl::Milliseconds(300)), "none");
  server->Signal(SIGCONT);
  for (int i = 0; i < 3; ++i) EXPECT_NE(caller.NextAnswer(), "none");
  server->Signal(SIGTERM);
  EXPECT_THAT(server->Wait().output, HasSubstr("served 3 requests"));
}

TEST(FibonacciServer, AllowReplyToNamesWhereElseItAnswers) {
  const std::string queue = UniqueQueue("allow");
  const std::string exact = UniqueQueue("answers");
  const std::string prefixed = UniqueQueue("clients");
  const std::string forbidden = UniqueQueue("forbidden");
  const auto server = Serve(
      queue, {"--workers", "1", "--allow_reply_to", exact, "--allow_reply_to",
              prefixed.substr(0, prefixed.size() - 1) + "*"});
  PlainCaller caller(queue);
  for (const std::string& name : {exact, prefixed, forbidden}) {
    caller.client().DeclareQueue(name);
    caller.client().Consume(name);
  }
  caller.Ask(6, forbidden);
  caller.Ask(7, exact);
  caller.Ask(8, prefixed);
  caller.Ask(9);
  // From three queues, hence in any order.
  std::vector<std::string> answers(3);
  for (std::string& answer : answers) answer = caller.NextAnswer();
  EXPECT_THAT(answers, UnorderedElementsAre("7: 13", "8: 21", "9: 34"));
  EXPECT_EQ(caller.NextAnswer(absl::Milliseconds(300)), "none");
}

TEST(FibonacciServer, VerbosePrintsEachRequestAndItsReply) {
  for (const bool verbose : {false, true}) {
    const std::string queue = UniqueQueue("verbose");
    Arguments flags = {"--max_n", "100"};
    if (verbose) flags.push_back("--verbose");
    const auto server = Serve(queue, flags);
    Ask(queue, {"30", "101"});
    server->Signal(SIGTERM);
    const std::string output = server->Wait().output;
    const auto good = ContainsRegex(
        "\nrequest \"30\" correlation_id=[^ ]+ reply_to=amq\\.gen[^ ]+ .*-> "
        "\"832040\"\n");
    const auto bad =
        ContainsRegex("\nrequest \"101\" .* -> OUT_OF_RANGE: n = 101 ");
    if (verbose) {
      EXPECT_THAT(output, good);
      EXPECT_THAT(output, bad);
    } else {
      EXPECT_THAT(output, Not(HasSubstr("request \"")));
    }
  }
}

}  // namespace
}  // namespace rpc::testing
