// Several methods on one endpoint. The client names methods, no handlers: it
// can be built without the server's code.

#include <cstdint>
#include <iostream>
#include <memory>
#include <string>

#include "rpc/rpc.h"
#include "rpc/serializer/json_serializer.h"

using Add = rpc::Method<"add", std::int64_t(std::int64_t, std::int64_t)>;
using Greet = rpc::Method<"greet", std::string(std::string)>;

struct AddHandler {
  using Method = Add;
  std::int64_t operator()(std::int64_t a, std::int64_t b) const {
    return a + b;
  }
};

struct GreetHandler {
  using Method = Greet;
  std::string operator()(const std::string& name) const {
    return "Hello, " + name + "!";
  }
};

using Server = rpc::RpcEndpoint<rpc::MemoryTransport, rpc::JsonSerializer,
                                rpc::Service<AddHandler, GreetHandler>>;
using Client = rpc::RpcEndpoint<rpc::MemoryTransport, rpc::JsonSerializer,
                                rpc::Service<Add, Greet>>;

int main() {
  const auto broker = std::make_shared<rpc::MemoryBroker>();
  auto server = Server::Open({.transport = {.broker = broker}});
  auto client = Client::Open({.transport = {.broker = broker}});
  if (!server.ok() || !client.ok()) return 1;
  auto serving = server->ServeInBackground();
  if (!serving.ok()) return 1;

  const auto sum = client->Stub<"add">().Call(2, 3);
  const auto greeting = client->Stub<"greet">().Call("world");
  if (!sum.ok() || !greeting.ok()) return 1;
  std::cout << "add(2, 3) = " << *sum << "\n" << *greeting << "\n";
}
