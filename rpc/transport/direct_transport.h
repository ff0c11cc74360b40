#ifndef RPC_TRANSPORT_DIRECT_TRANSPORT_H_
#define RPC_TRANSPORT_DIRECT_TRANSPORT_H_

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "rpc/base/deadline.h"
#include "rpc/transport/transport_policy.h"

namespace rpc {

// Calls the endpoint's own handler on the caller's thread: no queue, no clock,
// no id, no allocation. Arguments and result go through the serializer all the
// same, so what works here travels. A call ends when the handler returns,
// whatever its deadline. Stateless; thread-safe.
class DirectTransport {
 public:
  struct Options {};
  static constexpr TransportTraits kTraits = {.same_thread = true};

  DirectTransport() = default;
  explicit DirectTransport(Options) {}

  absl::Status Open(Deadline) { return absl::OkStatus(); }
  std::string Describe() const { return "direct"; }

  template <typename Serve>
  absl::Status Exchange(std::string_view method, std::string_view body,
                        Serve&& serve) {
    return std::forward<Serve>(serve)(method, body);
  }
};

}  // namespace rpc

#endif  // RPC_TRANSPORT_DIRECT_TRANSPORT_H_
