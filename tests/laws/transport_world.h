#ifndef RPC_TESTS_LAWS_TRANSPORT_WORLD_H_
#define RPC_TESTS_LAWS_TRANSPORT_WORLD_H_

#include <memory>

#include "rpc/base/deadline.h"
#include "tests/laws/transport_bench.h"

namespace rpc::laws {

// Connects clients and servers with the options that it has for each.
template <typename T>
struct TransportWorld {
  using Transport = T;

  typename T::Options client = {};
  typename T::Options server = {};

  std::unique_ptr<T> MakeClient() { return Open(client); }
  std::unique_ptr<T> MakeServer() { return Open(server); }

  static std::unique_ptr<T> Open(const typename T::Options& options) {
    auto transport = std::make_unique<T>(options);
    RequireOk(transport->Open(Deadline::After(Patience<TransportWorld>())),
              "Open");
    return transport;
  }
};

}  // namespace rpc::laws

#endif  // RPC_TESTS_LAWS_TRANSPORT_WORLD_H_
