// The first step: a typed call within one process, no broker needed.

#include <cstdint>
#include <iostream>
#include <memory>

#include "rpc/rpc.h"

struct Double {
  using Method = rpc::Method<"double", std::int64_t(std::int64_t)>;
  std::int64_t operator()(std::int64_t x) const { return 2 * x; }
};

using Doubler =
    rpc::RpcEndpoint<rpc::MemoryTransport, rpc::DecimalSerializer, Double>;

int main() {
  const auto broker = std::make_shared<rpc::MemoryBroker>();
  auto server = Doubler::Open({.transport = {.broker = broker}});
  auto client = Doubler::Open({.transport = {.broker = broker}});
  if (!server.ok() || !client.ok()) return 1;

  auto serving = server->ServeInBackground();
  if (!serving.ok()) return 1;

  const absl::StatusOr<std::int64_t> value = client->Call(21);
  if (!value.ok()) return 1;
  std::cout << "double(21) = " << *value << "\n";
}
