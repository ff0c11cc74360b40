// Asks a Fibonacci server, over RabbitMQ or in memory. See --help.

#include <gmpxx.h>

#include <condition_variable>
#include <cstdint>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "examples/command_line.h"
#include "examples/fibonacci.h"
#include "nlohmann/json.hpp"
#include "rpc/rpc.h"
#include "rpc/transport/rabbitmq_transport.h"

namespace {

template <typename Transport>
using Client = rpc::RpcEndpoint<Transport, rpc::DecimalSerializer,
                                examples::FibonacciMethod>;
using MemoryServer =
    rpc::RpcEndpoint<rpc::MemoryTransport, rpc::DecimalSerializer,
                     examples::FibonacciHandler>;

struct Flags {
  std::string broker = "amqp://guest:guest@localhost:5672/";
  std::string topology = "tutorial";
  std::string queue;
  absl::Duration deadline = absl::Seconds(5);
  int in_flight = 1;
  int repeat = 1;
  bool json = false;
};

examples::CommandLine DeclareFlags(Flags& flags) {
  examples::CommandLine line(
      "fibonacci_client",
      "fibonacci_client [flags] n...: asks for Fibonacci numbers. Exit status "
      "0: all calls\nsucceeded, 1: one failed, 2: wrong usage.");
  line.Flag("broker", &flags.broker,
            "amqp://user:password@host:port/vhost, or memory: this program "
            "then serves itself")
      .Flag("topology", &flags.topology, examples::kTopologyHelp)
      .Flag("queue", &flags.queue, "its name; if unset, the topology's own")
      .Flag("deadline", &flags.deadline, "how long each call may take")
      .Flag("in_flight", &flags.in_flight, 1, "calls under way at once")
      .Flag("repeat", &flags.repeat, 1, "how often each n is asked for")
      .Switch("json", &flags.json, "prints one JSON object for each call");
  return line;
}

// Prints what each call ended with, and remembers whether one failed.
class Printer {
 public:
  explicit Printer(bool json) : json_(json) {}

  void Print(std::uint64_t n, const absl::StatusOr<mpz_class>& value,
             absl::Duration took) {
    const std::int64_t microseconds = absl::ToInt64Microseconds(took);
    const std::lock_guard lock(mutex_);
    if (!value.ok()) failed_ = true;
    if (json_) {
      nlohmann::json line = {{"n", n}, {"microseconds", microseconds}};
      if (value.ok()) {
        line["value"] = value->get_str();
      } else {
        line["status"] = absl::StatusCodeToString(value.status().code());
        line["message"] = std::string(value.status().message());
        line["may_have_run"] = rpc::MayHaveRun(value.status());
      }
      std::cout << line.dump() << std::endl;
    } else if (value.ok()) {
      std::cout << "fib(" << n << ") = " << *value << " (" << microseconds
                << " us)" << std::endl;
    } else {
      std::cout << "fib(" << n
                << ") failed: " << examples::Shown(value.status()) << " ("
                << microseconds << " us)" << std::endl;
    }
  }

  bool failed() const { return failed_; }

 private:
  const bool json_;
  std::mutex mutex_;
  bool failed_ = false;
};

// Lets `limit` calls be under way, and waits for the last.
class Window {
 public:
  explicit Window(int limit) : limit_(limit) {}

  void Enter() {
    WaitFor([&] { return in_flight_ < limit_; }, +1);
  }
  void Leave() {
    const std::lock_guard lock(mutex_);
    --in_flight_;
    changed_.notify_all();
  }
  void WaitForAll() {
    WaitFor([&] { return in_flight_ == 0; }, 0);
  }

 private:
  template <typename Condition>
  void WaitFor(const Condition& condition, int entering) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, condition);
    in_flight_ += entering;
  }

  const int limit_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int in_flight_ = 0;
};

template <typename Endpoint>
int CallAll(Endpoint& client, const Flags& flags,
            const std::vector<std::uint64_t>& numbers) {
  Printer printer(flags.json);
  Window window(flags.in_flight);
  for (const std::uint64_t n : numbers) {
    for (int i = 0; i < flags.repeat; ++i) {
      window.Enter();
      const rpc::TimePoint begin = rpc::Clock::now();
      client.CallAsync(n, {.timeout = flags.deadline},
                       [&, n, begin](absl::StatusOr<mpz_class> value) {
                         printer.Print(
                             n, value,
                             absl::FromChrono(rpc::Clock::now() - begin));
                         window.Leave();
                       });
    }
  }
  window.WaitForAll();
  return printer.failed() ? 1 : 0;
}

int Fail(const absl::Status& status) {
  std::cerr << "fibonacci_client: " << examples::Shown(status) << std::endl;
  return 1;
}

int RunInMemory(const Flags& flags, const std::vector<std::uint64_t>& numbers) {
  const auto broker = std::make_shared<rpc::MemoryBroker>();
  const std::string queue = flags.queue.empty() ? "fibonacci" : flags.queue;
  auto server =
      MemoryServer::Open({.transport = {.broker = broker, .queue = queue}});
  if (!server.ok()) return Fail(server.status());
  const auto serving = server->ServeInBackground();
  if (!serving.ok()) return Fail(serving.status());
  auto client = Client<rpc::MemoryTransport>::Open(
      {.transport = {.broker = broker, .queue = queue}});
  if (!client.ok()) return Fail(client.status());
  return CallAll(*client, flags, numbers);
}

int RunOverRabbitMq(const Flags& flags, rpc::RabbitMqTopology topology,
                    const std::vector<std::uint64_t>& numbers,
                    const examples::CommandLine& line) {
  rpc::RabbitMqOptions options;
  options.url = flags.broker;
  options.topology = std::move(topology);
  options.connection_name = "fibonacci_client";
  auto client = Client<rpc::RabbitMqTransport>::Open(
      {.transport = std::move(options), .open_timeout = flags.deadline});
  if (absl::IsInvalidArgument(client.status())) {
    line.Fail(absl::StrCat("--broker: ", client.status().message()));
  }
  if (!client.ok()) return Fail(client.status());
  return CallAll(*client, flags, numbers);
}

}  // namespace

int main(int argc, char** argv) {
  Flags flags;
  const examples::CommandLine line = DeclareFlags(flags);
  std::vector<std::uint64_t> numbers;
  for (const std::string& text : line.Parse(argc, argv)) {
    if (!absl::SimpleAtoi(text, &numbers.emplace_back())) {
      line.Fail(absl::StrCat("n ", examples::Quoted(text),
                             ": expected a whole number"));
    }
  }
  if (numbers.empty()) line.Fail("name at least one n");
  auto topology = examples::TopologyNamed(flags.topology, flags.queue);
  if (!topology.has_value()) {
    line.Fail(absl::StrCat("--topology ", examples::Quoted(flags.topology),
                           ": expected ", examples::kTopologyHelp));
  }
  return flags.broker == "memory"
             ? RunInMemory(flags, numbers)
             : RunOverRabbitMq(flags, *std::move(topology), numbers, line);
}
