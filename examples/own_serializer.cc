// A serializer of one's own, constexpr: the compiler makes a call through it.

#include "examples/own_serializer.h"

#include <cstdint>
#include <iostream>

#include "rpc/rpc.h"

static_assert(rpc::RoundTrip<examples::BigEndianSerializer,
                             rpc::Fibonacci<std::uint64_t>>(90) ==
              2880067194370816120);

using Endpoint =
    rpc::RpcEndpoint<rpc::DirectTransport, examples::BigEndianSerializer,
                     rpc::Fibonacci<std::uint64_t>>;

int main() {
  auto endpoint = Endpoint::Open();
  if (!endpoint.ok()) return 1;
  const auto value = endpoint->Call(90);
  if (!value.ok()) return 1;
  std::cout << "fib(90) = " << *value << "\n";
}
