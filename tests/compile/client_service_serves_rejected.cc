// message: RpcEndpoint: a Method alone is the client's half and cannot be
// message: served; give the endpoint a handler with a body, see
// message: rpc/handler/handler_policy.h.
#include <cstdint>

#include "rpc/endpoint.h"
#include "rpc/handler/service.h"
#include "rpc/serializer/decimal_serializer.h"
#include "tests/endpoint/least_transports.h"

namespace rpc::archetypes {

struct Negate {
  using Method = rpc::Method<"negate", std::int64_t(std::int64_t)>;

  std::int64_t operator()(std::int64_t n) const { return -n; }
};

using Endpoint =
    RpcEndpoint<LeastTransport, DecimalSerializer, Service<Negate::Method>>;

absl::Status Use() {
  auto endpoint = Endpoint::Open();
  return endpoint->Serve({});
}

}  // namespace rpc::archetypes
