#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/amqp/listening_socket.h"
#include "tests/examples/fibonacci_programs.h"

// What the two programs say to wrong usage, and to brokers that do not let them
// in: one line, the exit code, and never a password.
namespace rpc::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Wrong {
  Arguments arguments;
  std::string reason;
};

void ExpectMisuse(const std::string& program,
                  const std::vector<Wrong>& all_wrong) {
  for (const Wrong& wrong : all_wrong) {
    const Finished finished = RunExample(program, wrong.arguments);
    SCOPED_TRACE(::testing::PrintToString(wrong.arguments) + "\n" +
                 finished.output);
    EXPECT_EQ(finished.exit_code, 2);
    EXPECT_THAT(finished.output,
                AllOf(HasSubstr(program + ": "), HasSubstr(wrong.reason)));
    EXPECT_EQ(std::count(finished.output.begin(), finished.output.end(), '\n'),
              1);
    EXPECT_EQ(finished.output.find("secret"), std::string::npos);
  }
}

const std::vector<Wrong>& WrongForBoth() {
  static const auto& wrong = *new std::vector<Wrong>{
      {{"--colour"}, "unknown flag --colour"},
      {{"-x"}, "unknown flag -x"},
      {{"--queue"}, "--queue needs a value"},
      {{"--topology", "star", "7"},
       "--topology \"star\": expected tutorial (a durable queue), reference "},
      {{"--broker", "rabbit", "7"}, "--broker: broker url: it must begin with"},
      {{"--broker", "http://me:secret@host", "7"},
       "it must begin with amqp://"},
      {{"--broker", "amqp://me:secret@host:port", "7"}, "expected amqp://user"},
      {{"--broker", "amqp://me:secret@host:0", "7"},
       "port 0 is not between 1 and 65535"},
      {{"--broker", "amqp://me:secret@host/?a=b", "7"},
       "parameters after a '?' are not supported"},
  };
  return wrong;
}

TEST(FibonacciUsage, BothRefuseWrongFlagsAndUrls) {
  for (const Wrong& wrong : WrongForBoth()) {
    ExpectMisuse("fibonacci_client", {wrong});
    Wrong for_server = wrong;
    if (for_server.arguments.back() == "7") for_server.arguments.pop_back();
    ExpectMisuse("fibonacci_server", {for_server});
  }
}

TEST(FibonacciUsage, ClientRefusesWrongValues) {
  ExpectMisuse("fibonacci_client",
               {{{}, "name at least one n"},
                {{"ninety"}, "n \"ninety\": expected a whole number"},
                {{"1.5"}, "n \"1.5\""},
                {{""}, "n \"\""},
                {{"--", "-1"}, "n \"-1\""},
                {{"18446744073709551616"}, "n \"18446744073709551616\""},
                {{"--deadline", "soon", "7"}, "--deadline \"soon\""},
                {{"--deadline", "0s", "7"}, "--deadline \"0s\""},
                {{"--deadline", "-1s", "7"}, "--deadline \"-1s\""},
                {{"--in_flight", "0", "7"}, "--in_flight \"0\""},
                {{"--in_flight", "many", "7"}, "--in_flight \"many\""},
                {{"--repeat", "0", "7"}, "--repeat \"0\""},
                {{"--json=yes", "7"}, "--json takes no value"}});
}

TEST(FibonacciUsage, ServerRefusesWrongValues) {
  ExpectMisuse("fibonacci_server",
               {{{"90"}, "\"90\": expected flags only"},
                {{"--workers", "-1"}, "--workers \"-1\""},
                {{"--workers", "2x"}, "--workers \"2x\""},
                {{"--prefetch", "-1"}, "--prefetch \"-1\""},
                {{"--max_n", "-1"}, "--max_n \"-1\""},
                {{"--max_n", "all"}, "--max_n \"all\""},
                {{"--drain", "0"}, "--drain \"0\""},
                {{"--verbose=yes"}, "--verbose takes no value"},
                {{"--broker", "memory"}, "it must begin with amqp://"}});
}

TEST(FibonacciUsage, UrlInTheWrongPlaceIsNotRepeated) {
  const std::string url = "amqp://me:secret@host/";
  ExpectMisuse("fibonacci_client",
               {{{url}, "may hold a password"},
                {{"--brokr=" + url}, "unknown flag --brokr"},
                {{"--broker", url, "-xy"}, "flag -x"},
                {{"--topology", url, "7"}, "--topology ("},
                {{"--repeat", url, "7"}, "--repeat ("}});
  ExpectMisuse("fibonacci_server", {{{url}, "may hold a password"}});
}

TEST(FibonacciUsage, HelpNamesEveryFlag) {
  const Finished client = RunExample("fibonacci_client", {"--help"});
  EXPECT_EQ(client.exit_code, 0);
  for (const char* flag : {"--broker", "--topology", "--queue", "--deadline",
                           "--in_flight", "--repeat", "--json"}) {
    EXPECT_THAT(client.output, HasSubstr(flag));
  }
  const Finished server = RunExample("fibonacci_server", {"--help"});
  EXPECT_EQ(server.exit_code, 0);
  for (const char* flag :
       {"--broker", "--topology", "--queue", "--workers", "--prefetch",
        "--max_n", "--allow_reply_to", "--drain", "--verbose"}) {
    EXPECT_THAT(server.output, HasSubstr(flag));
  }
}

// Both programs end with 1, at `url`, and say `reason` and where.
void ExpectRefused(const std::string& url, const std::string& reason) {
  const std::string address = url.substr(url.find('@') + 1);
  const std::string queue = UniqueQueue("refused");
  for (const Finished& finished :
       {RunExample("fibonacci_client",
                   At(queue, {"--deadline", "20s", "7"}, url)),
        RunExample("fibonacci_server", At(queue, {}, url))}) {
    EXPECT_EQ(finished.exit_code, 1);
    EXPECT_THAT(finished.output, AllOf(HasSubstr(reason), HasSubstr(address)));
    EXPECT_EQ(finished.output.find("secret"), std::string::npos)
        << finished.output;
  }
}

std::string AddressOfBroker() {
  const std::string url = BrokerUrl();
  return url.substr(url.find('@') + 1);
}

TEST(FibonacciUsage, WrongPasswordIsSaidAndNotRepeated) {
  ExpectRefused("amqp://guest:secret@" + AddressOfBroker(), "UNAUTHENTICATED");
}

TEST(FibonacciUsage, WrongVhostIsSaid) {
  ExpectRefused("amqp://guest:guest@" + AddressOfBroker() + "/no_such_vhost",
                "PERMISSION_DENIED");
}

TEST(FibonacciUsage, BrokerThatIsNotThereIsSaidWithinTheDeadline) {
  std::uint16_t port = 0;
  {
    const amqp::ListeningSocket closed_at_once;
    port = closed_at_once.port();
  }
  const std::string address = "127.0.0.1:" + std::to_string(port);
  const Finished finished = RunExample(
      "fibonacci_client",
      {"--broker", "amqp://me:secret@" + address, "--deadline", "300ms", "7"});
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_THAT(finished.output,
              AllOf(HasSubstr("UNAVAILABLE"), HasSubstr(address)));
  EXPECT_EQ(finished.output.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace rpc::testing
