// message: RpcEndpoint: Transport must provide `struct Options` with a default
// message: for each member, and `explicit Transport(Options)`; see
// message: rpc/transport/transport_policy.h.
#include "rpc/endpoint.h"
#include "tests/core/archetypes.h"
#include "tests/endpoint/least_transports.h"

namespace rpc::archetypes {

class Transport : public LeastTransport {
 public:
  explicit Transport(int) : LeastTransport({}) {}
};

using Endpoint = RpcEndpoint<Transport, LeastSerializer, PassOn>;

absl::Status Use() {
  auto endpoint = Endpoint::Open(Endpoint::Options(), PassOn(Made()),
                                 LeastSerializer(Made()));
  return endpoint->Call(Parcel("x")).status();
}

}  // namespace rpc::archetypes
