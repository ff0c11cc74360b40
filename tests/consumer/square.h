#ifndef CONSUMER_SQUARE_H_
#define CONSUMER_SQUARE_H_

#include <cstdint>
#include <iostream>

#include "rpc/rpc.h"

namespace consumer {

// This project's own handler.
struct Square {
  using Method = rpc::Method<"square", std::int64_t(std::int64_t)>;
  std::int64_t operator()(std::int64_t n) const { return n * n; }
};

template <typename Transport>
using SquareServer =
    rpc::RpcEndpoint<Transport, rpc::DecimalSerializer, Square>;

template <typename Transport>
using SquareClient =
    rpc::RpcEndpoint<Transport, rpc::DecimalSerializer, Square::Method>;

// Serves on one endpoint and calls from another; true if the result is right.
template <typename Transport>
bool CallsAndServes(const typename Transport::Options& server_side,
                    const typename Transport::Options& client_side) {
  auto server = SquareServer<Transport>::Open({.transport = server_side});
  auto client = SquareClient<Transport>::Open({.transport = client_side});
  if (!server.ok() || !client.ok()) {
    std::cerr << server.status() << "\n" << client.status() << "\n";
    return false;
  }
  auto serving = server->ServeInBackground();
  if (!serving.ok()) {
    std::cerr << serving.status() << "\n";
    return false;
  }
  const auto result = client->Call(-12);
  if (!result.ok()) {
    std::cerr << result.status() << "\n";
    return false;
  }
  std::cout << *result << "\n";
  return *result == 144;
}

}  // namespace consumer

#endif  // CONSUMER_SQUARE_H_
