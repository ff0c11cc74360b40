// A handler of one's own: what it is called with, and what it may return.

#include "examples/own_handler.h"

#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <tuple>

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

  const std::tuple<std::string, std::int64_t> deposits[] = {
      {"a", 100}, {"b", 20}, {"b", 20}, {"c", -5}};
  for (const auto& [voucher, amount] : deposits) {
    const auto balance = bank->Call(voucher, "ada", amount);
    if (balance.ok()) {
      std::cout << voucher << ": deposited " << amount << ", now " << *balance
                << "\n";
    } else {
      std::cout << voucher << ": "
                << absl::StatusCodeToString(balance.status().code()) << "\n";
    }
  }
}
