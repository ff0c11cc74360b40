#include <cstdint>

#include "rpc/endpoint.h"
#include "rpc/serializer/decimal_serializer.h"
#include "tests/endpoint/least_transports.h"

namespace rpc::archetypes {

using Negate = Method<"negate", std::int64_t(std::int64_t)>;

using Endpoint = RpcEndpoint<LeastTransport, DecimalSerializer, Negate>;

absl::Status Use() {
  auto endpoint = Endpoint::Open();
  return endpoint->Call(1).status();
}

}  // namespace rpc::archetypes
