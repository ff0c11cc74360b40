// hello_rabbitmq.cc over a cluster: only the options differ. Calls that fail
// with a node are made again, which Fibonacci numbers allow.

#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "rpc/rpc.h"
#include "rpc/transport/rabbitmq_transport.h"

using Fibonacci =
    rpc::RpcEndpoint<rpc::RabbitMqTransport, rpc::DecimalSerializer,
                     rpc::Fibonacci<std::uint64_t>>;

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::vector<std::string> nodes(argv + 1, argv + argc);

  Fibonacci::Options options;
  options.transport.url = nodes.front();
  options.transport.more_urls = {nodes.begin() + 1, nodes.end()};
  options.transport.topology = rpc::QuorumQueue("hello.cluster");
  options.transport.guarantee = rpc::DeliveryGuarantee::kAtLeastOnceConfirmed;
  options.retry.max_attempts = 5;
  options.retry.attempt_timeout = absl::Seconds(5);
  options.transport.on_connection = [](const rpc::ConnectionEvent& event) {
    std::cerr << rpc::NameOf(event.kind) << ": " << event.status << "\n";
  };

  auto server = Fibonacci::Open(options);
  auto client = Fibonacci::Open(options);
  if (!server.ok() || !client.ok()) return 1;
  auto serving = server->ServeInBackground();
  if (!serving.ok()) return 1;
  const auto value = client->Call(90, {.timeout = absl::Seconds(30)});
  if (!value.ok()) return 1;
  std::cout << "fib(90) = " << *value << "\n";
}
