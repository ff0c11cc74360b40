// A server to be killed: marking_server URL QUEUE LOG. Serves until SIGTERM.

#include <cstdio>
#include <cstdlib>
#include <string>

#include "rpc/endpoint.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/faults/marking_handler.h"

int main(int argc, char** argv) {
  using Endpoint =
      rpc::RpcEndpoint<rpc::RabbitMqTransport, rpc::DecimalSerializer,
                       rpc::testing::MarkingHandler>;
  if (argc != 4) {
    std::fprintf(stderr, "usage: marking_server URL QUEUE LOG\n");
    return 2;
  }
  Endpoint::Options options;
  options.transport.url = argv[1];
  options.transport.topology = rpc::TutorialQueue(argv[2]);
  auto endpoint =
      Endpoint::Open(options, rpc::testing::MarkingHandler(argv[3]));
  const absl::Status status =
      endpoint.ok() ? endpoint->Serve(rpc::StopOnSignal()) : endpoint.status();
  if (status.ok()) return EXIT_SUCCESS;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return EXIT_FAILURE;
}
