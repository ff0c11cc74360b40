// The same over RabbitMQ: hello_rabbitmq amqp://user:password@host:port/vhost

#include <cstdint>
#include <iostream>

#include "rpc/rpc.h"
#include "rpc/transport/rabbitmq_transport.h"

using Fibonacci =
    rpc::RpcEndpoint<rpc::RabbitMqTransport, rpc::DecimalSerializer,
                     rpc::Fibonacci<std::uint64_t>>;

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const Fibonacci::Options options = {
      .transport = {.url = argv[1], .topology = rpc::TutorialQueue("hello")}};
  auto server = Fibonacci::Open(options);
  auto client = Fibonacci::Open(options);
  if (!server.ok() || !client.ok()) return 1;
  auto serving = server->ServeInBackground();
  if (!serving.ok()) return 1;
  const auto value = client->Call(90, {.timeout = absl::Seconds(2)});
  if (!value.ok()) return 1;
  std::cout << "fib(90) = " << *value << "\n";
}
