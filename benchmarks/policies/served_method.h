#ifndef BENCHMARKS_POLICIES_SERVED_METHOD_H_
#define BENCHMARKS_POLICIES_SERVED_METHOD_H_

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc/core/endpoint_options.h"
#include "rpc/core/serving_thread.h"
#include "rpc/endpoint.h"
#include "rpc/transport/transport_policy.h"

namespace rpc::benchmarks {

// A handler that is served in this process, and the client that calls it: two
// endpoints, or one over a transport of the same thread. Move-only; thread-safe
// as its client is.
template <typename Transport, typename Serializer, typename Handler>
class ServedMethod {
  using Server = RpcEndpoint<Transport, Serializer, Handler>;

 public:
  using Client = std::conditional_t<
      SameThread<Transport>, Server,
      RpcEndpoint<Transport, Serializer, typename Handler::Method>>;

  // Both sides are opened with the same transport options.
  static absl::StatusOr<ServedMethod> Start(EndpointOptions<Transport> options,
                                            Handler handler = Handler(),
                                            Serializer serializer = {}) {
    ServedMethod served;
    auto server = Server::Open(options, std::move(handler), serializer);
    if (!server.ok()) return server.status();
    served.server_ = std::make_unique<Server>(*std::move(server));
    if constexpr (!SameThread<Transport>) {
      auto client = Client::Open(std::move(options), {}, std::move(serializer));
      if (!client.ok()) return client.status();
      served.client_ = std::make_unique<Client>(*std::move(client));
      auto serving = served.server_->ServeInBackground();
      if (!serving.ok()) return serving.status();
      served.serving_.emplace(*std::move(serving));
    }
    return served;
  }

  Client& client() const {
    if constexpr (SameThread<Transport>) {
      return *server_;
    } else {
      return *client_;
    }
  }

 private:
  ServedMethod() = default;

  // The members' order is that of their ends, backwards.
  std::unique_ptr<Server> server_;
  std::unique_ptr<Client> client_;
  std::optional<ServingThread> serving_;
};

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_POLICIES_SERVED_METHOD_H_
