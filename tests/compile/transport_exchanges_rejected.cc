// message: RpcEndpoint: a Transport with kTraits.same_thread must provide
// message: `absl::Status Exchange(std::string_view method, std::string_view
// message: body, Serve&&)`; see rpc/transport/transport_policy.h.
#include "rpc/endpoint.h"
#include "tests/core/archetypes.h"
#include "tests/endpoint/least_transports.h"

namespace rpc::archetypes {

class Transport : public LeastSameThreadTransport {
 public:
  using LeastSameThreadTransport::LeastSameThreadTransport;
  absl::Status Exchange(std::string_view, std::string_view) = delete;
};

using Endpoint = RpcEndpoint<Transport, LeastSerializer, PassOn>;

absl::Status Use() {
  auto endpoint = Endpoint::Open(Endpoint::Options(), PassOn(Made()),
                                 LeastSerializer(Made()));
  return endpoint->Call(Parcel("x")).status();
}

}  // namespace rpc::archetypes
