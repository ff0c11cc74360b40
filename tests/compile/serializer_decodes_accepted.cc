#include "rpc/endpoint.h"
#include "tests/core/archetypes.h"
#include "tests/endpoint/least_transports.h"

namespace rpc::archetypes {

class Serializer : public LeastSerializer {
 public:
  using LeastSerializer::LeastSerializer;
  template <std::same_as<Parcel>>
  Outcome<Parcel> Decode(std::string_view) const {
    return Parcel("x");
  }
};

using Endpoint = RpcEndpoint<LeastTransport, Serializer, PassOn>;

absl::Status Use() {
  auto endpoint =
      Endpoint::Open(Endpoint::Options(), PassOn(Made()), Serializer(Made()));
  return endpoint->Call(Parcel("x")).status();
}

}  // namespace rpc::archetypes
