#ifndef RPC_TESTS_ENDPOINT_MEMORY_WORLD_H_
#define RPC_TESTS_ENDPOINT_MEMORY_WORLD_H_

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "rpc/endpoint.h"
#include "rpc/transport/memory_broker.h"
#include "rpc/transport/memory_transport.h"
#include "tests/core/gate.h"
#include "tests/core/list_serializer.h"

namespace rpc::testing {

using MemoryOptions = EndpointOptions<MemoryTransport>;

template <typename Handler>
using MemoryEndpoint = RpcEndpoint<MemoryTransport, ListSerializer, Handler>;

// Gives an endpoint a thread that serves until the object's end.
template <typename Endpoint>
class Serving {
 public:
  // Takes `endpoint`; `serving` opens when it is told that it serves.
  Serving(Endpoint endpoint, std::shared_ptr<Gate> serving)
      : endpoint_(std::move(endpoint)),
        thread_([this] { status_ = endpoint_.Serve(stop_.get_token()); }) {
    EXPECT_TRUE(serving->Wait());
  }
  ~Serving() { Stop().IgnoreError(); }

  Endpoint& endpoint() { return endpoint_; }

  void RequestStop() { stop_.request_stop(); }
  // What Serve() returned.
  absl::Status Stop() {
    RequestStop();
    if (thread_.joinable()) thread_.join();
    return status_;
  }

 private:
  Endpoint endpoint_;
  std::stop_source stop_;
  absl::Status status_;
  std::thread thread_;
};

// Servers and clients of one queue in memory.
class MemoryWorld {
 public:
  explicit MemoryWorld(MemoryBroker::Options options = {})
      : broker_(std::make_shared<MemoryBroker>(options)) {}

  MemoryBroker& broker() const { return *broker_; }

  MemoryOptions With(MemoryOptions options) const {
    options.transport.broker = broker_;
    return options;
  }

  template <typename Handler>
  std::unique_ptr<Serving<MemoryEndpoint<Handler>>> Serve(
      Handler handler, MemoryOptions options = {}) const {
    const auto serving = std::make_shared<Gate>();
    options.server.on_serving = [serving,
                                 then = std::move(options.server.on_serving)] {
      if (then) then();
      serving->Open();
    };
    auto endpoint = MemoryEndpoint<Handler>::Open(With(std::move(options)),
                                                  std::move(handler));
    EXPECT_TRUE(endpoint.ok()) << endpoint.status();
    return std::make_unique<Serving<MemoryEndpoint<Handler>>>(
        *std::move(endpoint), serving);
  }

  template <typename M>
  MemoryEndpoint<M> Connect(MemoryOptions options = {}) const {
    auto endpoint = MemoryEndpoint<M>::Open(With(std::move(options)));
    EXPECT_TRUE(endpoint.ok()) << endpoint.status();
    return *std::move(endpoint);
  }

 private:
  const std::shared_ptr<MemoryBroker> broker_;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_ENDPOINT_MEMORY_WORLD_H_
