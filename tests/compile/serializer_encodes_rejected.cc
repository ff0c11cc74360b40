// message: RpcEndpoint: Serializer must provide `void Encode(const T&,
// message: rpc::Bytes&) const` for each argument (the std::tuple of them,
// message: where there are several) and each result; see
// message: rpc/serializer/serializer_policy.h.
#include "rpc/endpoint.h"
#include "tests/core/archetypes.h"
#include "tests/endpoint/least_transports.h"

namespace rpc::archetypes {

class Serializer : public LeastSerializer {
 public:
  using LeastSerializer::LeastSerializer;
  void Encode(const Parcel&, Bytes&) {}
};

using Endpoint = RpcEndpoint<LeastTransport, Serializer, PassOn>;

absl::Status Use() {
  auto endpoint =
      Endpoint::Open(Endpoint::Options(), PassOn(Made()), Serializer(Made()));
  return endpoint->Call(Parcel("x")).status();
}

}  // namespace rpc::archetypes
