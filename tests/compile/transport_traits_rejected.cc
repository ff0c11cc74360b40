// message: RpcEndpoint: Transport must provide `static constexpr
// message: TransportTraits kTraits`; see rpc/transport/transport_policy.h.
#include "rpc/endpoint.h"
#include "tests/core/archetypes.h"
#include "tests/endpoint/least_transports.h"

namespace rpc::archetypes {

class Transport : public LeastTransport {
 public:
  using LeastTransport::LeastTransport;
  static constexpr int kTraits = 0;
};

using Endpoint = RpcEndpoint<Transport, LeastSerializer, PassOn>;

absl::Status Use() {
  auto endpoint = Endpoint::Open(Endpoint::Options(), PassOn(Made()),
                                 LeastSerializer(Made()));
  return endpoint->Call(Parcel("x")).status();
}

}  // namespace rpc::archetypes
