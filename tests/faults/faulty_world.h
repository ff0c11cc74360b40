#ifndef RPC_TESTS_FAULTS_FAULTY_WORLD_H_
#define RPC_TESTS_FAULTS_FAULTY_WORLD_H_

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "rpc/endpoint.h"
#include "rpc/message/method.h"
#include "rpc/serializer/json_serializer.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/support/broker.h"
#include "tests/support/fault_proxy.h"
#include "tests/transport/rabbitmq_bench.h"

namespace rpc::testing {

// Gives back what it is given; what begins with "hold", after its release.
class HoldingEcho {
 public:
  using Method = rpc::Method<"echo", std::string(std::string)>;

  std::string operator()(const std::string& text) const {
    if (text.rfind("hold", 0) == 0) {
      gates_->running.Add();
      gates_->release.Wait(absl::Minutes(1));
    }
    return text;
  }

  // Waits until so many have been held.
  bool AwaitHeld(int count = 1) const { return gates_->running.WaitFor(count); }
  int held() const { return gates_->running.count(); }
  // From now on nothing is held.
  void Release() const { gates_->release.Set(); }

 private:
  struct Gates {
    Tally running;
    Event release;
  };
  std::shared_ptr<Gates> gates_ = std::make_shared<Gates>();
};

using EchoServer = RpcEndpoint<RabbitMqTransport, JsonSerializer, HoldingEcho>;
using EchoClient =
    RpcEndpoint<RabbitMqTransport, JsonSerializer, HoldingEcho::Method>;

enum class Behind { kNobody, kClient, kServer, kBoth };

// A server and a client at a broker, who of them is to suffer behind a proxy
// and with a heartbeat of 1 s. Thread-compatible.
class FaultyWorld {
 public:
  struct Setting {
    int broker_port = 0;
    Behind behind = Behind::kClient;
    // If unset: a queue of its own.
    std::optional<RabbitMqTopology> topology = {};
    ServerOptions server = {};
    enum class Server { kYes, kNo } with_server = Server::kYes;
  };

  explicit FaultyWorld(Setting setting)
      : setting_(std::move(setting)),
        topology_(
            setting_.topology.value_or(TutorialQueue(UniqueName("faulty")))),
        proxy_(setting_.broker_port) {
    if (setting_.with_server == Setting::Server::kYes) StartServer();
    auto client = EchoClient::Open(
        Options<EchoClient>(setting_.behind != Behind::kServer));
    if (!client.ok()) throw std::runtime_error(client.status().ToString());
    client_.emplace(*std::move(client));
    if (server_ == nullptr) return;
    const auto first = client_->Call("first");
    if (!first.ok()) throw std::runtime_error(first.status().ToString());
  }
  ~FaultyWorld() { handler_.Release(); }

  void StartServer() {
    auto options = Options<EchoServer>(setting_.behind != Behind::kClient);
    options.server = setting_.server;
    options.server.drain_timeout = absl::Milliseconds(500);
    server_ = std::make_unique<TestServer<EchoServer>>(options, handler_);
  }

  template <typename Endpoint>
  typename Endpoint::Options Options(bool suffers) const {
    typename Endpoint::Options options;
    const bool behind = suffers && setting_.behind != Behind::kNobody;
    options.transport.url =
        absl::StrCat("amqp://guest:guest@127.0.0.1:",
                     behind ? proxy_.port() : setting_.broker_port);
    options.transport.topology = topology_;
    if (behind) options.transport.heartbeat = absl::Seconds(1);
    return options;
  }

  FaultProxy& proxy() { return proxy_; }
  const HoldingEcho& handler() const { return handler_; }
  TestServer<EchoServer>& server() { return *server_; }
  EchoClient& client() { return *client_; }
  const std::string& queue() const { return topology_.queue; }

 private:
  const Setting setting_;
  const RabbitMqTopology topology_;
  const HoldingEcho handler_;
  FaultProxy proxy_;
  std::unique_ptr<TestServer<EchoServer>> server_;
  std::optional<EchoClient> client_;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_FAULTS_FAULTY_WORLD_H_
