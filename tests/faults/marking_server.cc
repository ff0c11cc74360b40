// A server to be killed: marking_server URLS QUEUE LOG [quorum]. URLS are those
// of one cluster, separated by commas. Serves until SIGTERM.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_split.h"
#include "rpc/endpoint.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/faults/marking_handler.h"

int main(int argc, char** argv) {
  using Endpoint =
      rpc::RpcEndpoint<rpc::RabbitMqTransport, rpc::DecimalSerializer,
                       rpc::testing::MarkingHandler>;
  const bool is_quorum = argc == 5 && argv[4] == std::string_view("quorum");
  if (argc != 4 && !is_quorum) {
    std::fprintf(stderr, "usage: marking_server URLS QUEUE LOG [quorum]\n");
    return 2;
  }
  std::vector<std::string> urls = absl::StrSplit(argv[1], ',');
  Endpoint::Options options;
  options.transport.url = urls.front();
  options.transport.more_urls.assign(urls.begin() + 1, urls.end());
  options.transport.topology =
      is_quorum ? rpc::QuorumQueue(argv[2]) : rpc::TutorialQueue(argv[2]);
  options.transport.heartbeat = absl::Seconds(is_quorum ? 2 : 10);
  options.server.prefetch = rpc::testing::MarkingHandler::kWindow;
  auto endpoint =
      Endpoint::Open(options, rpc::testing::MarkingHandler(argv[3]));
  const absl::Status status =
      endpoint.ok() ? endpoint->Serve(rpc::StopOnSignal()) : endpoint.status();
  if (status.ok()) return EXIT_SUCCESS;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return EXIT_FAILURE;
}
