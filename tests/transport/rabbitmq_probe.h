#ifndef RPC_TESTS_TRANSPORT_RABBITMQ_PROBE_H_
#define RPC_TESTS_TRANSPORT_RABBITMQ_PROBE_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "rpc/endpoint.h"
#include "rpc/handler/fibonacci.h"
#include "rpc/message/method.h"
#include "rpc/message/server_context.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/support/broker.h"

namespace rpc::testing {

// A handler whose body is the test's.
struct Probe {
  using Method = rpc::Method<"probe", std::uint64_t(std::uint64_t)>;

  std::uint64_t operator()(const ServerContext& context,
                           std::uint64_t n) const {
    return run(context, n);
  }

  std::function<std::uint64_t(const ServerContext&, std::uint64_t)> run = {};
};

using ProbeServer = RpcEndpoint<RabbitMqTransport, DecimalSerializer, Probe>;
using ProbeClient =
    RpcEndpoint<RabbitMqTransport, DecimalSerializer, Probe::Method>;
using FibonacciServer =
    RpcEndpoint<RabbitMqTransport, DecimalSerializer, Fibonacci<std::uint64_t>>;
using FibonacciClient = RpcEndpoint<RabbitMqTransport, DecimalSerializer,
                                    Fibonacci<std::uint64_t>::Method>;

// Options of either side, at the broker that all tests share.
template <typename Endpoint = ProbeServer>
typename Endpoint::Options At(const RabbitMqTopology& topology,
                              const std::string& url = BrokerUrl()) {
  typename Endpoint::Options options;
  options.transport.url = url;
  options.transport.topology = topology;
  return options;
}

}  // namespace rpc::testing

#endif  // RPC_TESTS_TRANSPORT_RABBITMQ_PROBE_H_
