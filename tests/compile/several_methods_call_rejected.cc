// message: RpcEndpoint: this endpoint has several methods; call one by name,
// message: endpoint.Stub<
// message: name
// message: >().Call(...).
#include <cstdint>

#include "rpc/endpoint.h"
#include "rpc/handler/service.h"
#include "rpc/serializer/decimal_serializer.h"
#include "tests/endpoint/least_transports.h"

namespace rpc::archetypes {

using Negate = Method<"negate", std::int64_t(std::int64_t)>;
using Double = Method<"double", std::int64_t(std::int64_t)>;

using Endpoint =
    RpcEndpoint<LeastTransport, DecimalSerializer, Service<Negate, Double>>;

void Use() {
  auto endpoint = Endpoint::Open();
  static_cast<void>(endpoint->Call(1));
}

}  // namespace rpc::archetypes
