// Serves Fibonacci numbers over RabbitMQ until SIGTERM or SIGINT, then finishes
// what it has begun and says what it did. See --help.

#include <cstdint>
#include <iostream>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "examples/command_line.h"
#include "examples/fibonacci.h"
#include "rpc/rpc.h"
#include "rpc/transport/rabbitmq_transport.h"

namespace {

using Server = rpc::RpcEndpoint<rpc::RabbitMqTransport, rpc::DecimalSerializer,
                                examples::FibonacciHandler>;

struct Flags {
  std::string broker = "amqp://guest:guest@localhost:5672/";
  std::string topology = "tutorial";
  std::string queue;
  int workers = rpc::ServerOptions().workers;
  int prefetch = 0;
  std::uint64_t max_n = 100'000;
  std::vector<std::string> allow_reply_to;
  absl::Duration drain = absl::Seconds(10);
  bool verbose = false;
};

examples::CommandLine DeclareFlags(Flags& flags) {
  examples::CommandLine line("fibonacci_server",
                             "Serves Fibonacci numbers over RabbitMQ.");
  line.Flag("broker", &flags.broker, "amqp://user:password@host:port/vhost")
      .Flag("topology", &flags.topology, examples::kTopologyHelp)
      .Flag("queue", &flags.queue, "its name; if unset, the topology's own")
      .Flag("workers", &flags.workers, 0,
            "threads that compute; 0 computes on the connection's thread")
      .Flag("prefetch", &flags.prefetch, 0,
            "requests taken and not answered; 0 follows topology and workers")
      .Flag("max_n", &flags.max_n, std::uint64_t{0}, "the largest n served")
      .Flag("allow_reply_to", &flags.allow_reply_to,
            "a reply address to publish to besides clients' anonymous queues, "
            "or a prefix and *")
      .Flag("drain", &flags.drain, "how long a stop waits for running requests")
      .Switch("verbose", &flags.verbose, "prints each request and its reply");
  return line;
}

// Long numbers are cut: the log is for people.
std::string Shortened(std::string_view text) {
  if (text.size() <= 80) return std::string(text);
  return absl::StrCat(std::string(text.substr(0, 60)), "... (", text.size(),
                      " bytes)");
}

void PrintServed(const rpc::Request& request, const rpc::Reply& reply) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  std::cout << "request \"" << Shortened(request.body)
            << "\" correlation_id=" << request.correlation_id.view()
            << " reply_to=" << request.reply_to.view();
  if (!request.message_id.empty()) {
    std::cout << " message_id=" << request.message_id.view();
  }
  for (const auto& [key, value] : request.metadata) {
    std::cout << " " << key << "=" << Shortened(value);
  }
  if (reply.status.ok()) {
    std::cout << " -> \"" << Shortened(reply.body) << "\"" << std::endl;
  } else {
    std::cout << " -> " << examples::Shown(reply.status) << std::endl;
  }
}

Server::Options OptionsFrom(const Flags& flags,
                            rpc::RabbitMqTopology topology) {
  Server::Options options;
  const std::string queue = topology.queue;
  options.transport.url = flags.broker;
  options.transport.topology = std::move(topology);
  options.transport.allow_reply_to = flags.allow_reply_to;
  options.transport.connection_name = "fibonacci_server";
  options.server.workers = flags.workers;
  options.server.prefetch = flags.prefetch;
  options.server.drain_timeout = flags.drain;
  options.server.on_serving = [queue] {
    std::cout << "serving fibonacci on " << queue << std::endl;
  };
  options.server.on_interrupted = [](const absl::Status& why) {
    std::cerr << "interrupted, trying again: " << examples::Shown(why)
              << std::endl;
  };
  if (flags.verbose) options.server.on_served = PrintServed;
  return options;
}

void PrintCounters(const rpc::ServerCounters& counters) {
  std::cout << "served " << counters.succeeded + counters.failed
            << " requests: " << counters.succeeded << " succeeded, "
            << counters.failed << " failed; " << counters.expired
            << " had expired, " << counters.redelivered << " were redelivered, "
            << counters.given_back << " were given back, " << counters.dropped
            << " were dropped" << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  // Before the first thread, so that no signal is missed.
  const std::stop_token stop = rpc::StopOnSignal();
  Flags flags;
  const examples::CommandLine line = DeclareFlags(flags);
  for (const std::string& text : line.Parse(argc, argv)) {
    line.Fail(absl::StrCat(examples::Quoted(text), ": expected flags only"));
  }
  auto topology = examples::TopologyNamed(flags.topology, flags.queue);
  if (!topology.has_value()) {
    line.Fail(absl::StrCat("--topology ", examples::Quoted(flags.topology),
                           ": expected ", examples::kTopologyHelp));
  }
  auto server =
      Server::Open(OptionsFrom(flags, *std::move(topology)),
                   examples::FibonacciHandler(
                       rpc::Fibonacci<mpz_class>({.max_n = flags.max_n})));
  if (absl::IsInvalidArgument(server.status())) {
    line.Fail(absl::StrCat("--broker: ", server.status().message()));
  }
  absl::Status status = server.status();
  if (server.ok()) {
    status = server->Serve(stop);
    PrintCounters(server->server_counters());
  }
  if (status.ok()) return 0;
  std::cerr << "fibonacci_server: " << examples::Shown(status) << std::endl;
  return 1;
}
