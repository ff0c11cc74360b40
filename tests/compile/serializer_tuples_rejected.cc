// message: RpcEndpoint: Serializer must provide `void Encode(const T&,
// message: rpc::Bytes&) const` for each argument (the std::tuple of them,
// message: where there are several) and each result; see
// message: rpc/serializer/serializer_policy.h.
#include <cstdint>

#include "rpc/endpoint.h"
#include "rpc/serializer/decimal_serializer.h"
#include "tests/endpoint/least_transports.h"

namespace rpc::archetypes {

struct Handler {
  using Method = rpc::Method<"sum", std::int64_t(std::int64_t, std::int64_t)>;

  template <typename... Integers>
  std::int64_t operator()(Integers... integers) const {
    return (integers + ...);
  }
};

using Endpoint = RpcEndpoint<LeastTransport, DecimalSerializer, Handler>;

absl::Status Use() {
  auto endpoint = Endpoint::Open();
  return endpoint->call_counters().started == 0 ? absl::OkStatus()
                                                : endpoint.status();
}

}  // namespace rpc::archetypes
