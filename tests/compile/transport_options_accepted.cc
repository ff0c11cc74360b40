#include "rpc/endpoint.h"
#include "tests/core/archetypes.h"
#include "tests/endpoint/least_transports.h"

namespace rpc::archetypes {

class Transport : public LeastTransport {
 public:
  explicit Transport(Options) : LeastTransport({}) {}
};

using Endpoint = RpcEndpoint<Transport, LeastSerializer, PassOn>;

absl::Status Use() {
  auto endpoint = Endpoint::Open(Endpoint::Options(), PassOn(Made()),
                                 LeastSerializer(Made()));
  return endpoint->Call(Parcel("x")).status();
}

}  // namespace rpc::archetypes
