#ifndef RPC_TESTS_FAULTS_CHAOS_WORLD_H_
#define RPC_TESTS_FAULTS_CHAOS_WORLD_H_

#include <csignal>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "rpc/endpoint.h"
#include "rpc/message/method.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/faults/chaos_book.h"
#include "tests/faults/chaos_client.h"
#include "tests/faults/marking_handler.h"
#include "tests/support/broker.h"
#include "tests/support/fault_proxy.h"
#include "tests/support/private_broker.h"
#include "tests/support/runfiles.h"
#include "tests/support/subprocess.h"
#include "tests/transport/rabbitmq_bench.h"
#include "tests/transport/rabbitmq_plain_client.h"

namespace rpc::testing {

// Throws std::runtime_error if it is not OK: the test itself does not work.
inline void Must(const absl::Status& status) {
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

enum class Road { kDirect, kProxy };

// All that a chaos run does its harm to: a broker, servers in this process and
// in others, and clients of each kind, some of both behind proxies. The broker
// and the book outlive it. Thread-compatible.
class ChaosWorld {
 public:
  using Server =
      RpcEndpoint<RabbitMqTransport, DecimalSerializer, MarkingHandler>;
  // As many servers in this process as in others.
  static constexpr std::size_t kServers = 2;

  // `handler` marks in `log`, too. Throws std::runtime_error if it cannot be
  // set up.
  ChaosWorld(PrivateBroker* broker, ChaosBook* book, const std::string& log,
             const MarkingHandler& handler);
  ~ChaosWorld() { EndClients(); }

  PrivateBroker& broker() { return *broker_; }
  FaultProxy& client_proxy() { return client_proxy_; }
  FaultProxy& server_proxy() { return server_proxy_; }
  const std::string& queue() const { return queue_; }

  void StartServer(std::size_t server) {
    servers_[server] = std::make_unique<TestServer<Server>>(
        ToPort(server == 0 ? broker_->port() : server_proxy_.port()), handler_);
  }
  void StopServer(std::size_t server) {
    book_->Time("a server's stop",
                Took([&] { Must(servers_[server]->Stop()); }),
                absl::Seconds(1));
    servers_[server].reset();
  }

  const Subprocess& process(std::size_t server) const {
    return *processes_[server];
  }
  void StartProcess(std::size_t server) {
    processes_[server] = std::make_unique<Subprocess>(std::vector<std::string>{
        Runfile("tests/faults/marking_server"), broker_->url(), queue_, log_});
  }
  // Returns how it ended.
  int EndProcess(std::size_t server, int signal) {
    processes_[server]->Signal(signal);
    return processes_[server]->Wait();
  }

  // One that is opened for a while only; nothing if the broker is out of reach.
  std::unique_ptr<ChaosClient<Idempotent::kNo>> OpenPassing(Road road);
  void EndPassing(ChaosClient<Idempotent::kNo>& client) {
    book_->Time("an endpoint's end", client.End(), absl::Seconds(1));
  }

  // How many servers take requests, to the broker's knowledge, and how many
  // requests wait for them.
  struct QueueState {
    std::size_t consumers = 0;
    std::size_t depth = 0;
  };
  QueueState LookAtQueue() const;

  void EndClients() {
    for (auto& client : clients_) Time(*client);
    for (auto& client : retrying_clients_) Time(*client);
    clients_.clear();
    retrying_clients_.clear();
  }
  // They drain.
  void EndServers() {
    for (std::size_t i = 0; i < kServers; ++i) {
      StopServer(i);
      const int ended = EndProcess(i, SIGTERM);
      book_->Check(ended == 0, absl::StrCat("a server ended with ", ended));
    }
  }

 private:
  using Options = EndpointOptions<RabbitMqTransport>;
  Options ToPort(int port) const {
    Options options;
    options.transport.url = absl::StrCat("amqp://guest:guest@127.0.0.1:", port);
    options.transport.topology = TutorialQueue(queue_);
    if (port != broker_->port()) options.transport.heartbeat = absl::Seconds(1);
    return options;
  }
  Options On(Road road) const {
    return ToPort(road == Road::kProxy ? client_proxy_.port()
                                       : broker_->port());
  }

  template <Idempotent kMayRunTwice>
  std::unique_ptr<ChaosClient<kMayRunTwice>> OpenClient(const std::string& name,
                                                        const Options& options,
                                                        CallForm form) {
    using Client = ChaosClient<kMayRunTwice>;
    auto endpoint = Client::Endpoint::Open(options);
    Must(endpoint.status());
    return std::make_unique<Client>(
        *std::move(endpoint), form,
        book_->Add({.name = name, .idempotent = kMayRunTwice}), book_);
  }
  void OpenClients();

  template <typename Client>
  void Time(Client& client) {
    book_->Time("an endpoint's end", client.End(), absl::Seconds(1));
  }

  PrivateBroker* const broker_;
  ChaosBook* const book_;
  const std::string log_;
  const std::string queue_ = UniqueName("chaos");
  const MarkingHandler handler_;
  FaultProxy client_proxy_;
  FaultProxy server_proxy_;
  std::size_t passing_ = 0;
  std::unique_ptr<TestServer<Server>> servers_[kServers];
  std::unique_ptr<Subprocess> processes_[kServers];
  std::vector<std::unique_ptr<ChaosClient<Idempotent::kNo>>> clients_;
  std::vector<std::unique_ptr<ChaosClient<Idempotent::kYes>>> retrying_clients_;
};

inline ChaosWorld::ChaosWorld(PrivateBroker* broker, ChaosBook* book,
                              const std::string& log,
                              const MarkingHandler& handler)
    : broker_(broker),
      book_(book),
      log_(log),
      handler_(handler),
      client_proxy_(broker->port()),
      server_proxy_(broker->port()) {
  for (std::size_t i = 0; i < kServers; ++i) {
    StartServer(i);
    StartProcess(i);
  }
  OpenClients();
}

inline void ChaosWorld::OpenClients() {
  passing_ = book_->Add({.name = "passing", .stay = Stay::kPassing});
  const auto direct = On(Road::kDirect);
  const auto proxied = On(Road::kProxy);
  Options patient = proxied;
  patient.retry.max_attempts = 4;
  patient.retry.attempt_timeout = absl::Milliseconds(700);
  Options confirmed = proxied;
  confirmed.transport.guarantee = DeliveryGuarantee::kAtLeastOnceConfirmed;
  confirmed.connections = 2;
  Options patient_and_direct = direct;
  patient_and_direct.retry.max_attempts = 3;
  patient_and_direct.callback_threads = 0;

  const auto add = [&](const std::string& name, const Options& options,
                       CallForm form) {
    clients_.push_back(OpenClient<Idempotent::kNo>(name, options, form));
  };
  const auto add_idempotent = [&](const std::string& name,
                                  const Options& options, CallForm form) {
    retrying_clients_.push_back(
        OpenClient<Idempotent::kYes>(name, options, form));
  };
  add("direct", direct, CallForm::kAsync);
  add("proxied", proxied, CallForm::kAsync);
  add("proxied, blocking", proxied, CallForm::kBlocking);
  add("proxied, confirmed", confirmed, CallForm::kAsync);
  add("direct, retries", patient_and_direct, CallForm::kAsync);
  add("proxied, retries, blocking", patient, CallForm::kBlocking);
  add_idempotent("proxied, idempotent", patient, CallForm::kAsync);
  add_idempotent("direct, idempotent, blocking", patient_and_direct,
                 CallForm::kBlocking);
}

inline std::unique_ptr<ChaosClient<Idempotent::kNo>> ChaosWorld::OpenPassing(
    Road road) {
  using Client = ChaosClient<Idempotent::kNo>;
  constexpr absl::Duration kOpenTimeout = absl::Seconds(1);
  auto options = On(road);
  options.open_timeout = kOpenTimeout;
  absl::StatusOr<Client::Endpoint> endpoint;
  const absl::Duration took =
      Took([&] { endpoint = Client::Endpoint::Open(options); });
  if (endpoint.ok()) {
    book_->Time("Open", took, kOpenTimeout);
    return std::make_unique<Client>(*std::move(endpoint), CallForm::kAsync,
                                    passing_, book_);
  }
  // What it had begun it ends, too.
  book_->Time("Open", took, kOpenTimeout + absl::Seconds(1));
  book_->Check(absl::IsUnavailable(endpoint.status()),
               absl::StrCat("Open: ", endpoint.status().ToString()));
  return nullptr;
}

inline ChaosWorld::QueueState ChaosWorld::LookAtQueue() const {
  const PlainClient plain(broker_->url());
  const amqp_queue_declare_ok_t* declared =
      amqp_queue_declare(plain.connection(), 1, amqp::ToAmqp(queue_), 1, 0, 0,
                         0, amqp_empty_table);
  if (declared == nullptr) return {};
  return {declared->consumer_count, declared->message_count};
}

}  // namespace rpc::testing

#endif  // RPC_TESTS_FAULTS_CHAOS_WORLD_H_
