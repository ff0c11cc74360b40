#include <cstdint>

#include "rpc/endpoint.h"
#include "rpc/serializer/decimal_serializer.h"
#include "tests/endpoint/least_transports.h"

namespace rpc::archetypes {

struct Handler {
  using Method = rpc::Method<"negate", std::int64_t(std::int64_t)>;

  std::int64_t operator()(std::int64_t n) const { return -n; }
};

using Endpoint = RpcEndpoint<LeastTransport, DecimalSerializer, Handler>;

absl::Status Use() {
  auto endpoint = Endpoint::Open();
  return endpoint->call_counters().started == 0 ? absl::OkStatus()
                                                : endpoint.status();
}

}  // namespace rpc::archetypes
