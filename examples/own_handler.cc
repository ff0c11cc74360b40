// A handler of one's own: what it is called with, and what it may return.

#include "examples/own_handler.h"

#include <iostream>
#include <memory>

#include "rpc/rpc.h"
#include "rpc/serializer/json_serializer.h"

using Bank = rpc::RpcEndpoint<rpc::MemoryTransport, rpc::JsonSerializer,
                              examples::Deposit>;

int main() {
  const auto broker = std::make_shared<rpc::MemoryBroker>();
  auto bank = Bank::Open({.transport = {.broker = broker}});
  if (!bank.ok()) return 1;
  auto serving = bank->ServeInBackground();
  if (!serving.ok()) return 1;

  for (const std::int64_t amount : {100, 20, -5}) {
    const auto balance = bank->Call("ada", amount);
    if (balance.ok()) {
      std::cout << "deposited " << amount << ", now " << *balance << "\n";
    } else {
      std::cout << absl::StatusCodeToString(balance.status().code()) << "\n";
    }
  }
}
