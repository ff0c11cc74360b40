// A transport of one's own: see own_transport.h. The endpoint does not know it.

#include "examples/own_transport.h"

#include <cstdint>
#include <iostream>
#include <memory>

#include "rpc/rpc.h"

using Endpoint =
    rpc::RpcEndpoint<examples::LoopTransport, rpc::DecimalSerializer,
                     rpc::Fibonacci<std::uint64_t>>;

int main() {
  const auto meeting = std::make_shared<examples::LoopTransport::Meeting>();
  auto server = Endpoint::Open({.transport = {.meeting = meeting}});
  auto client = Endpoint::Open({.transport = {.meeting = meeting}});
  if (!server.ok() || !client.ok()) return 1;
  auto serving = server->ServeInBackground();
  if (!serving.ok()) return 1;
  const auto value = client->Call(90);
  if (!value.ok()) return 1;
  std::cout << "fib(90) = " << *value << "\n";
}
