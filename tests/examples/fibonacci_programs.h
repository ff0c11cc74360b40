#ifndef RPC_TESTS_EXAMPLES_FIBONACCI_PROGRAMS_H_
#define RPC_TESTS_EXAMPLES_FIBONACCI_PROGRAMS_H_

#include <gmp.h>
#include <gmpxx.h>

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/examples/program.h"
#include "tests/support/broker.h"
#include "tests/support/subprocess.h"
#include "tests/transport/rabbitmq_plain_client.h"

namespace rpc::testing {

// How long a test waits for what has to come.
inline constexpr absl::Duration kPatience = absl::Seconds(30);

using Arguments = std::vector<std::string>;

// `arguments` after the flags for a queue at a broker.
inline Arguments At(const std::string& queue, const Arguments& arguments,
                    const std::string& broker) {
  Arguments all = {"--broker", broker, "--queue", queue};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return all;
}

// A server that takes requests already.
inline std::unique_ptr<Program> Serve(const std::string& queue,
                                      const Arguments& arguments = {},
                                      const std::string& broker = BrokerUrl()) {
  auto server = std::make_unique<Program>("fibonacci_server",
                                          At(queue, arguments, broker));
  EXPECT_TRUE(server->WaitFor("serving fibonacci on " + queue + "\n"))
      << server->output();
  return server;
}

inline Finished Ask(const std::string& queue, const Arguments& arguments,
                    const std::string& broker = BrokerUrl()) {
  return RunExample("fibonacci_client", At(queue, arguments, broker));
}

inline std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The n-th Fibonacci number by GMP's own function.
inline std::string Fibonacci(unsigned long n) {
  mpz_class value;
  mpz_fib_ui(value.get_mpz_t(), n);
  return value.get_str();
}

// The client's line for a call that succeeded.
inline auto IsLineOf(unsigned long n) {
  return ::testing::MatchesRegex("fib\\(" + std::to_string(n) +
                                 "\\) = " + Fibonacci(n) + " \\([0-9]+ us\\)");
}

}  // namespace rpc::testing

#endif  // RPC_TESTS_EXAMPLES_FIBONACCI_PROGRAMS_H_
