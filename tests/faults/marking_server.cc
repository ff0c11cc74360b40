// A server to be killed: marking_server URLS QUEUE LOG [slow] [quorum]. URLS
// are those of one cluster, separated by commas; with `slow` some requests take
// kHandlerPause. Serves until SIGTERM.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "rpc/endpoint.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/faults/marking_handler.h"

int main(int argc, char** argv) {
  using Endpoint =
      rpc::RpcEndpoint<rpc::RabbitMqTransport, rpc::DecimalSerializer,
                       rpc::testing::MarkingHandler>;
  bool is_quorum = false, is_slow = false;
  int next = 4;
  if (next < argc && argv[next] == std::string_view("slow")) {
    is_slow = true;
    ++next;
  }
  if (next < argc && argv[next] == std::string_view("quorum")) {
    is_quorum = true;
    ++next;
  }
  if (argc != next) {
    std::fprintf(stderr,
                 "usage: marking_server URLS QUEUE LOG [slow] [quorum]\n");
    return 2;
  }
  std::vector<std::string> urls = absl::StrSplit(argv[1], ',');
  Endpoint::Options options;
  options.transport.url = urls.front();
  options.transport.more_urls.assign(urls.begin() + 1, urls.end());
  options.transport.topology = rpc::TutorialQueue(argv[2]);
  if (is_quorum) {
    options.transport.topology = rpc::QuorumQueue(argv[2]);
    options.transport.guarantee = rpc::DeliveryGuarantee::kAtLeastOnceConfirmed;
    options.transport.heartbeat = absl::Seconds(2);
  }
  options.server.prefetch = rpc::testing::MarkingHandler::kWindow;
  auto endpoint =
      Endpoint::Open(options, rpc::testing::MarkingHandler(
                                  argv[3], is_slow ? rpc::testing::kHandlerPause
                                                   : absl::ZeroDuration()));
  const absl::Status status =
      endpoint.ok() ? endpoint->Serve(rpc::StopOnSignal()) : endpoint.status();
  if (status.ok()) return EXIT_SUCCESS;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return EXIT_FAILURE;
}
