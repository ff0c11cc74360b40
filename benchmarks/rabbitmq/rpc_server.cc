// The library's server, under the same load as those written by hand.

#include <cstdint>
#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "benchmarks/rabbitmq/fail.h"
#include "benchmarks/rabbitmq/flags.h"
#include "benchmarks/rabbitmq/stop_signal.h"
#include "benchmarks/rabbitmq/topology.h"
#include "rpc/rpc.h"
#include "rpc/transport/rabbitmq_transport.h"

namespace rpc::benchmarks {
namespace {

using Endpoint = RpcEndpoint<RabbitMqTransport, DecimalSerializer,
                             rpc::Fibonacci<std::uint64_t>>;

int Serve(const Flags& flags) {
  Endpoint::Options options;
  options.transport = TransportOf(flags);
  options.server.workers = flags.workers;
  options.server.prefetch = flags.prefetch;
  options.server.on_serving = [&flags] { PrintServing(flags); };
  absl::StatusOr<Endpoint> endpoint = Endpoint::Open(std::move(options));
  if (!endpoint.ok()) Fail(endpoint.status().ToString());
  const absl::Status ended = endpoint->Serve(StopOnSignal());
  if (!ended.ok()) Fail(ended.ToString());
  PrintServed(flags, endpoint->server_counters().succeeded);
  return 0;
}

}  // namespace
}  // namespace rpc::benchmarks

int main(int argc, char** argv) {
  return rpc::benchmarks::Serve(rpc::benchmarks::ParseFlags(argc, argv));
}
