// message: RpcEndpoint: over a transport of the same thread the Handler must
// message: have a body: a Method alone is the client's half; see
// message: rpc/handler/handler_policy.h.
#include <cstdint>

#include "rpc/endpoint.h"
#include "rpc/handler/service.h"
#include "rpc/serializer/decimal_serializer.h"
#include "tests/endpoint/least_transports.h"

namespace rpc::archetypes {

using Negate = Method<"negate", std::int64_t(std::int64_t)>;

using Endpoint =
    RpcEndpoint<LeastSameThreadTransport, DecimalSerializer, Service<Negate>>;

absl::Status Use() {
  auto endpoint = Endpoint::Open();
  return endpoint->Call(1).status();
}

}  // namespace rpc::archetypes
