#ifndef RPC_TESTS_FAULTS_CHAOS_WORLD_H_
#define RPC_TESTS_FAULTS_CHAOS_WORLD_H_

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "rpc/message/method.h"
#include "tests/faults/chaos_book.h"
#include "tests/faults/chaos_client.h"
#include "tests/faults/chaos_servers.h"
#include "tests/faults/marking_handler.h"
#include "tests/support/fault_proxy.h"
#include "tests/support/private_broker.h"
#include "tests/transport/rabbitmq_bench.h"

namespace rpc::testing {

// All that a chaos run does its harm to: a broker, servers, and clients of each
// kind, some of both behind proxies. The broker and the book outlive it.
// Thread-compatible.
class ChaosWorld {
 public:
  // `handler` marks in `log`, and so do the other processes. Throws
  // std::runtime_error if it cannot be set up.
  ChaosWorld(PrivateBroker* broker, ChaosBook* book, const std::string& log,
             const MarkingHandler& handler)
      : broker_(*broker),
        book_(*book),
        places_(broker->port()),
        client_proxy_(broker->port()),
        server_proxy_(broker->port()),
        servers_(&places_, broker, server_proxy_.port(), book, log, handler) {
    OpenClients();
  }

  PrivateBroker& broker() { return broker_; }
  FaultProxy& client_proxy() { return client_proxy_; }
  FaultProxy& server_proxy() { return server_proxy_; }
  ChaosServers& servers() { return servers_; }
  const ChaosPlaces& places() const { return places_; }

  // One that is opened for a while only; nothing if the broker is out of reach.
  using Passing = ChaosClient<Idempotent::kNo>;
  std::unique_ptr<Passing> OpenPassing(Road road);

  // In the middle of its calls.
  template <typename Client>
  void End(Client& client) {
    book_.Time("an endpoint's end", client.End(), absl::Seconds(1));
  }
  void EndClients() {
    for (auto& client : clients_) End(*client);
    for (auto& client : idempotent_clients_) End(*client);
    clients_.clear();
    idempotent_clients_.clear();
  }

 private:
  using Options = ChaosPlaces::Options;

  Options On(Road road, ChaosQueue queue = kClassic) const {
    return places_.At(
        queue, road == Road::kProxy ? client_proxy_.port() : broker_.port());
  }
  static Options WithRetries(Options options, int attempts) {
    options.retry.max_attempts = attempts;
    options.retry.attempt_timeout = absl::Milliseconds(700);
    return options;
  }

  void OpenClients();
  void Open(const ChaosClientEntry& entry, const Options& options,
            CallForm form) {
    entry.idempotent == Idempotent::kYes
        ? Open(idempotent_clients_, entry, options, form)
        : Open(clients_, entry, options, form);
  }
  template <typename Clients>
  void Open(Clients& clients, const ChaosClientEntry& entry,
            const Options& options, CallForm form) {
    using Client = typename Clients::value_type::element_type;
    auto endpoint = Client::Endpoint::Open(options);
    Must(endpoint.status());
    clients.push_back(std::make_unique<Client>(*std::move(endpoint), form,
                                               book_.Add(entry), &book_));
  }

  PrivateBroker& broker_;
  ChaosBook& book_;
  const ChaosPlaces places_;
  FaultProxy client_proxy_;
  FaultProxy server_proxy_;
  ChaosServers servers_;
  std::size_t passing_ = 0;  // the book's number for all of them
  std::vector<std::unique_ptr<ChaosClient<Idempotent::kNo>>> clients_;
  std::vector<std::unique_ptr<ChaosClient<Idempotent::kYes>>>
      idempotent_clients_;
};

inline void ChaosWorld::OpenClients() {
  constexpr auto kAsync = CallForm::kAsync;
  constexpr auto kBlocking = CallForm::kBlocking;
  const Options direct = On(Road::kDirect);
  const Options proxied = On(Road::kProxy);
  Options without_thread = WithRetries(direct, 3);
  without_thread.callback_threads = 0;
  Options twofold = On(Road::kProxy, kQuorum);
  twofold.connections = 2;

  passing_ = book_.Add({.name = "passing", .stay = Stay::kPassing});
  Open({.name = "direct"}, direct, kAsync);
  Open({.name = "proxied"}, proxied, kAsync);
  Open({.name = "proxied, blocking"}, proxied, kBlocking);
  Open({.name = "direct, retries"}, without_thread, kAsync);
  Open({.name = "proxied, retries, blocking"}, WithRetries(proxied, 4),
       kBlocking);
  Open({.name = "proxied, idempotent", .idempotent = Idempotent::kYes},
       WithRetries(proxied, 4), kAsync);
  Open({.name = "direct, idempotent, blocking", .idempotent = Idempotent::kYes},
       without_thread, kBlocking);
  Open({.name = "quorum, two connections"}, twofold, kAsync);
  Open({.name = "quorum, direct, retries"},
       WithRetries(On(Road::kDirect, kQuorum), 4), kBlocking);
  Open({.name = "at most once", .redelivery = Redelivery::kNever},
       On(Road::kProxy, kOnce), kAsync);
}

inline std::unique_ptr<ChaosWorld::Passing> ChaosWorld::OpenPassing(Road road) {
  constexpr absl::Duration kOpenTimeout = absl::Seconds(1);
  Options options = On(road);
  options.open_timeout = kOpenTimeout;
  absl::StatusOr<Passing::Endpoint> endpoint;
  const absl::Duration took =
      Took([&] { endpoint = Passing::Endpoint::Open(options); });
  if (endpoint.ok()) {
    book_.Time("Open", took, kOpenTimeout);
    return std::make_unique<Passing>(*std::move(endpoint), CallForm::kAsync,
                                     passing_, &book_);
  }
  // What it had begun it ends, too.
  book_.Time("Open", took, kOpenTimeout + absl::Seconds(1));
  book_.Check(absl::IsUnavailable(endpoint.status()),
              absl::StrCat("Open: ", endpoint.status().ToString()));
  return nullptr;
}

}  // namespace rpc::testing

#endif  // RPC_TESTS_FAULTS_CHAOS_WORLD_H_
