#ifndef RPC_TESTS_LAWS_TRANSPORT_BENCH_H_
#define RPC_TESTS_LAWS_TRANSPORT_BENCH_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "rpc/base/deadline.h"
#include "rpc/message/correlation_id.h"
#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/transport_policy.h"
#include "tests/laws/broken_law.h"
#include "tests/support/recording_calls.h"
#include "tests/support/recording_server.h"

namespace rpc::laws {

// How a law says that it was broken; it does not leave the law's function.
class LawBroken final : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

inline void Require(bool holds, const std::string& otherwise) {
  if (!holds) throw LawBroken(otherwise);
}
inline void RequireOk(const absl::Status& status, const std::string& what) {
  Require(status.ok(), what + " answered " + status.ToString());
}

// How long a law waits for what has to come.
template <typename World>
absl::Duration Patience() {
  if constexpr (requires { World::kPatience; }) {
    return World::kPatience;
  } else {
    return absl::Seconds(20);
  }
}

// Clients and servers of one world for one law, with what they were told. All
// members throw LawBroken where the transport fails them.
template <typename World>
class TransportBench {
 public:
  using Transport = typename World::Transport;

  struct Client {
    testing::RecordingCalls events;
    std::unique_ptr<Transport> transport;

    ~Client() { transport.reset(); }
  };

  struct Server {
    testing::RecordingServer events;
    std::unique_ptr<Transport> transport;

    explicit Server(testing::RecordingServer::Handle handle)
        : events(std::move(handle)) {}
    ~Server() {
      if (transport == nullptr) return;
      transport->StopServing(Deadline::After(absl::Seconds(1))).IgnoreError();
      events.DropAll();
      transport.reset();
    }
  };

  explicit TransportBench(World& world) : world_(world) {}

  Client& MakeClient() {
    Client& client = clients_.emplace_back();
    client.transport = world_.MakeClient();
    RequireOk(client.transport->StartCalls(&client.events), "StartCalls");
    return client;
  }

  // Keeps its deliveries, or hands each to `handle`.
  Server& MakeServer(int prefetch,
                     testing::RecordingServer::Handle handle = nullptr) {
    Server& server = servers_.emplace_back(std::move(handle));
    server.transport = world_.MakeServer();
    RequireOk(
        server.transport->StartServing(&server.events, {.prefetch = prefetch}),
        "StartServing");
    Require(server.events.WaitForServing(Patience<World>()),
            "a server was not told OnServing");
    return server;
  }

  void Stop(Server& server) {
    RequireOk(server.transport->StopServing(Deadline::After(Patience<World>())),
              "StopServing");
  }

  // The server dies with what it has not settled.
  void Kill(Server& server) {
    server.events.AbandonAll();
    if constexpr (requires {
                    world_.KillServer(std::move(server.transport));
                  }) {
      world_.KillServer(std::move(server.transport));
    }
    server.transport.reset();
  }

  // With an id that no other request has.
  Request MakeRequest(std::string_view body,
                      absl::Duration timeout = absl::Minutes(1)) {
    static std::atomic<std::uint32_t> made = 0;
    static const std::uint64_t nonce = std::random_device()();
    const auto id = CorrelationId{made++, nonce}.Text();
    Request request;
    request.correlation_id = std::string_view(id.data(), id.size());
    request.body = body;
    request.deadline = Deadline::After(timeout);
    return request;
  }

  // Returns the request's correlation id.
  std::string Submit(Client& client, Request request) {
    std::string id(request.correlation_id.view());
    client.events.Expect(request.deadline);
    RequireOk(client.transport->Submit(std::move(request)), "Submit");
    return id;
  }
  std::string Submit(Client& client, std::string_view body) {
    return Submit(client, MakeRequest(body));
  }

  Delivery Next(Server& server) {
    std::optional<Delivery> delivery = server.events.Take(Patience<World>());
    Require(delivery.has_value(), "a request was not delivered");
    return *std::move(delivery);
  }
  // The next delivery, which has to be that of `id`.
  Delivery Next(Server& server, const std::string& id) {
    Delivery delivery = Next(server);
    const bool is_it = delivery.request().correlation_id == id;
    const std::string body(delivery.request().body.view());
    if (!is_it) std::move(delivery).Ack();
    Require(is_it, "out of turn came request \"" + body.substr(0, 40) + "\"");
    return delivery;
  }

  Reply ReplyTo(Client& client, std::string_view id) {
    std::optional<Reply> reply =
        client.events.WaitForReply(id, Patience<World>());
    Require(reply.has_value(), "a request was not answered");
    return *std::move(reply);
  }

 private:
  World& world_;
  std::list<Client> clients_;
  // Destroyed first: a server drops what it holds, which answers it.
  std::list<Server> servers_;
};

// Answers with the request's own body.
inline void Echo(Delivery delivery) {
  Reply reply;
  reply.body = delivery.request().body;
  std::move(delivery).Answer(std::move(reply));
}

// Runs `law`; its breach becomes a status that starts with `name`.
template <typename Law>
absl::Status Judge(std::string_view name, Law law) {
  try {
    law();
  } catch (const LawBroken& broken) {
    return Broken(name, broken.what());
  }
  return absl::OkStatus();
}

}  // namespace rpc::laws

#endif  // RPC_TESTS_LAWS_TRANSPORT_BENCH_H_
