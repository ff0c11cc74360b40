#ifndef RPC_TESTS_FAULTS_CHAOS_SERVERS_H_
#define RPC_TESTS_FAULTS_CHAOS_SERVERS_H_

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "rpc/endpoint.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/faults/chaos_book.h"
#include "tests/faults/marking_handler.h"
#include "tests/support/broker.h"
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

// Whether there is a proxy before the broker.
enum class Road { kDirect, kProxy };

// The queues of a chaos run, each with clients and servers of its own.
enum ChaosQueue : std::size_t { kClassic, kQuorum, kOnce };
inline constexpr ChaosQueue kChaosQueues[] = {kClassic, kQuorum, kOnce};

// How an endpoint of one of the queues is opened, and where.
class ChaosPlaces {
 public:
  using Options = EndpointOptions<RabbitMqTransport>;

  explicit ChaosPlaces(int broker_port) : broker_port_(broker_port) {}

  const std::string& queue(ChaosQueue queue) const { return names_[queue]; }

  // `port` is the broker's own or that of a proxy.
  Options At(ChaosQueue queue, int port) const {
    Options options;
    options.transport.url = absl::StrCat("amqp://guest:guest@127.0.0.1:", port);
    options.transport.topology = queue == kQuorum
                                     ? QuorumQueue(names_[queue])
                                     : TutorialQueue(names_[queue]);
    // Or a restart of the broker could make it forget to mark redeliveries.
    if (queue == kClassic) {
      options.transport.topology.delivery_mode = DeliveryMode::kPersistent;
    }
    if (queue == kQuorum) {
      options.transport.guarantee = DeliveryGuarantee::kAtLeastOnceConfirmed;
    }
    if (queue == kOnce) {
      options.transport.guarantee = DeliveryGuarantee::kAtMostOnce;
    }
    if (port != broker_port_) options.transport.heartbeat = absl::Seconds(1);
    return options;
  }

 private:
  const int broker_port_;
  const std::string names_[std::size(kChaosQueues)] = {
      UniqueName("chaos.classic"), UniqueName("chaos.quorum"),
      UniqueName("chaos.once")};
};

// The servers of a chaos run, some in this process and some in processes of
// their own. All leave their marks in one log. What it is given outlives it.
// Thread-compatible.
class ChaosServers {
 public:
  struct Place {
    ChaosQueue queue;
    Road road;
  };
  static constexpr Place kHere[] = {{kClassic, Road::kDirect},
                                    {kClassic, Road::kProxy},
                                    {kQuorum, Road::kProxy},
                                    {kOnce, Road::kDirect}};
  static constexpr ChaosQueue kProcesses[] = {kClassic, kClassic, kQuorum};

  // `handler` marks in `log`. Throws std::runtime_error if they cannot be
  // started.
  ChaosServers(const ChaosPlaces* places, const PrivateBroker* broker,
               int proxy_port, ChaosBook* book, const std::string& log,
               const MarkingHandler& handler)
      : places_(*places),
        broker_(*broker),
        proxy_port_(proxy_port),
        book_(*book),
        log_(log),
        handler_(handler) {
    for (std::size_t i = 0; i < std::size(kHere); ++i) Start(i);
    for (std::size_t i = 0; i < std::size(kProcesses); ++i) StartProcess(i);
  }

  // Of this process. Start() throws if it does not serve within 20 s.
  void Start(std::size_t server) {
    const Place place = kHere[server];
    here_[server] = std::make_unique<TestServer<Endpoint>>(
        places_.At(place.queue,
                   place.road == Road::kProxy ? proxy_port_ : broker_.port()),
        handler_);
  }
  void Stop(std::size_t server) {
    absl::Status status;
    book_.Time("a server's stop", Took([&] { status = here_[server]->Stop(); }),
               absl::Seconds(1));
    book_.Check(status.ok(), status.ToString());
    here_[server].reset();
  }

  // Of others.
  pid_t pid(std::size_t server) const { return processes_[server]->pid(); }
  void StartProcess(std::size_t server) {
    std::vector<std::string> words = {
        Runfile("tests/faults/marking_server"), broker_.url(),
        places_.queue(kProcesses[server]), log_, "slow"};
    if (kProcesses[server] == kQuorum) words.push_back("quorum");
    processes_[server] = std::make_unique<Subprocess>(words);
  }
  void KillProcess(std::size_t server) { processes_[server].reset(); }
  void TerminateProcess(std::size_t server) {
    processes_[server]->Signal(SIGTERM);
    const int ended = processes_[server]->Wait();
    book_.Check(ended == 0, absl::StrCat("a server ended with ", ended));
  }

  void TerminateAll() {
    for (std::size_t i = 0; i < std::size(kHere); ++i) Stop(i);
    for (std::size_t i = 0; i < std::size(kProcesses); ++i) TerminateProcess(i);
  }

  // Those of one queue.
  static std::size_t CountOf(ChaosQueue queue) {
    return static_cast<std::size_t>(
        std::count(std::begin(kProcesses), std::end(kProcesses), queue) +
        std::count_if(
            std::begin(kHere), std::end(kHere),
            [queue](const Place& place) { return place.queue == queue; }));
  }

  // How many servers take requests, to the broker's knowledge, and how many
  // requests wait for them.
  struct QueueState {
    std::size_t consumers = 0;
    std::size_t depth = 0;
  };
  QueueState LookAt(ChaosQueue queue) const {
    const PlainClient plain(broker_.url());
    const amqp_queue_declare_ok_t* declared = amqp_queue_declare(
        plain.connection(), 1, amqp::ToAmqp(places_.queue(queue)), 1, 0, 0, 0,
        amqp_empty_table);
    if (declared == nullptr) return {};
    return {declared->consumer_count, declared->message_count};
  }

 private:
  using Endpoint =
      RpcEndpoint<RabbitMqTransport, DecimalSerializer, MarkingHandler>;

  const ChaosPlaces& places_;
  const PrivateBroker& broker_;
  const int proxy_port_;
  ChaosBook& book_;
  const std::string log_;
  const MarkingHandler handler_;
  std::unique_ptr<TestServer<Endpoint>> here_[std::size(kHere)];
  std::unique_ptr<Subprocess> processes_[std::size(kProcesses)];
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_FAULTS_CHAOS_SERVERS_H_
