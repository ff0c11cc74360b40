#ifndef TESTS_SIMULATION_RABBITMQ_SETTING_H_
#define TESTS_SIMULATION_RABBITMQ_SETTING_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "rpc/transport/rabbitmq_options.h"
#include "rpc/transport/rabbitmq_topology.h"
#include "tests/simulation/broker_message.h"
#include "tests/simulation/confirming_publisher.h"
#include "tests/simulation/fault_plan.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/simulated_broker.h"
#include "tests/simulation/simulated_transport.h"
#include "tests/simulation/world.h"

namespace rpc::simulation {

// Clients and servers meet at a SimulatedBroker, frame by frame.
class RabbitMqSetting {
 public:
  using Transport = SimulatedTransport;

  RabbitMqSetting(World* world, FaultPlan* plan, Ledger* ledger)
      : world_(*world),
        ledger_(*ledger),
        options_(DrawOptions(world->random())),
        broker_(world, plan, ledger, world->random().Between(1, 10)) {
    broker_.queues().set_delivery_limit(options_.topology.delivery_limit);
    if (is_at_most_once()) {
      ledger_.ExpectSingleRuns();
    } else if (world_.random().Chance(250)) {
      publisher_.emplace(world, &broker_, ledger,
                         world_.random().Between(1, 20));
    }
  }

  Transport::Options TransportOf(std::string name) {
    return {&world_, &broker_, &ledger_, std::move(name), options_};
  }
  void Cause(const PlannedFault& planned) { broker_.Cause(planned); }

  bool bounds_deliveries() const { return !is_at_most_once(); }

  // Nothing waits to be served, settled or answered.
  bool IsIdle() {
    if (publisher_.has_value() && publisher_->waits()) return false;
    const BrokerQueue* const queue =
        broker_.queues().Find(SimulatedBroker::kQueue);
    return broker_.IsIdle() && queue != nullptr && queue->ready.empty();
  }

 private:
  bool is_at_most_once() const {
    return options_.guarantee == DeliveryGuarantee::kAtMostOnce;
  }

  static RabbitMqOptions DrawOptions(Random& random) {
    RabbitMqOptions options;
    options.topology = DrawTopology(random);
    options.heartbeat = absl::Seconds(random.Between(1, 10));
    if (random.Chance(300)) {
      options.guarantee = DeliveryGuarantee::kAtLeastOnceConfirmed;
    } else if (random.Chance(150)) {
      options.guarantee = DeliveryGuarantee::kAtMostOnce;
    }
    if (random.Chance(100)) options.reply_queue_prefix = "rpc.reply.";
    // Room for two requests or so.
    if (random.Chance(100)) options.max_waiting_bytes = 1000;
    // The failures' bodies are longer.
    if (random.Chance(100)) options.max_body_bytes = 50;
    return options;
  }

  static RabbitMqTopology DrawTopology(Random& random) {
    switch (random.Below(6)) {
      case 0:
        return ReferenceTopology(SimulatedBroker::kQueue);
      case 1:
        return QuorumQueue(SimulatedBroker::kQueue, random.Between(1, 3));
      default:
        return TutorialQueue(SimulatedBroker::kQueue);
    }
  }

  World& world_;
  Ledger& ledger_;
  const RabbitMqOptions options_;
  SimulatedBroker broker_;
  std::optional<ConfirmingPublisher> publisher_;
};

}  // namespace rpc::simulation

#endif  // TESTS_SIMULATION_RABBITMQ_SETTING_H_
