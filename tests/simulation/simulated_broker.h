#ifndef TESTS_SIMULATION_SIMULATED_BROKER_H_
#define TESTS_SIMULATION_SIMULATED_BROKER_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "rpc/base/deadline.h"
#include "tests/simulation/broker_connection.h"
#include "tests/simulation/broker_message.h"
#include "tests/simulation/broker_queues.h"
#include "tests/simulation/fault_plan.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/wire.h"
#include "tests/simulation/world.h"

namespace rpc::simulation {

// RabbitMQ, as far as RPC goes, frame by frame and with faults.
class SimulatedBroker {
 public:
  SimulatedBroker(World* world, FaultPlan* plan, Ledger* ledger,
                  int heartbeat_seconds)
      : world_(*world),
        plan_(*plan),
        queues_(world, plan, ledger),
        heartbeat_seconds_(heartbeat_seconds) {}
  SimulatedBroker(const SimulatedBroker&) = delete;
  SimulatedBroker& operator=(const SimulatedBroker&) = delete;

  // A wire to a new connection; null: refused.
  std::shared_ptr<Wire> Accept(const std::string& name) {
    if (is_down_ || world_.random().Chance(plan_.refused_dial)) return nullptr;
    auto wire = std::make_shared<Wire>(&world_, &plan_);
    connections_.push_back(std::make_unique<BrokerConnection>(
        &world_, &plan_, &queues_, &orphans_, name, wire, heartbeat_seconds_));
    if (is_blocked_) connections_.back()->Block();
    return wire;
  }

  BrokerQueues& queues() { return queues_; }
  // Nothing is in anybody's hands or waits for an answer.
  bool IsIdle() const {
    for (const auto& connection : connections_) {
      if (!connection->IsIdle()) return false;
    }
    return true;
  }

  void Cause(const PlannedFault& planned) {
    switch (planned.fault) {
      case Fault::kCutWire:
        return WithOne([](BrokerConnection& c) { c.wire().Cut(); });
      case Fault::kFreezeWire:
        return WithOne(
            [&](BrokerConnection& c) { c.wire().FreezeFor(planned.lasts); });
      case Fault::kCloseConnection:
        return WithOne([](BrokerConnection& c) { c.CloseByOperator(); });
      case Fault::kCloseChannel:
        return WithOne([](BrokerConnection& c) { c.CloseAChannel(); });
      case Fault::kStopFlow:
        return StopFlow(planned.lasts);
      case Fault::kBlock:
        return Block(planned.lasts);
      case Fault::kDeleteQueue:
        return queues_.Delete(kQueue);
      case Fault::kDeleteReplyQueue:
        return queues_.Delete(queues_.PickReplyQueue());
      case Fault::kRestartBroker:
        return Restart(planned.lasts);
      case Fault::kForgeRequest:
        return ForgeRequest();
      default:
        return;
    }
  }

  static constexpr char kQueue[] = "work";
  // Whoever is published to there did not ask for it.
  static constexpr char kVictim[] = "victim";

 private:
  template <typename Do>
  void WithOne(Do what) {
    std::vector<BrokerConnection*> alive;
    for (const auto& connection : connections_) {
      if (!connection->over()) alive.push_back(connection.get());
    }
    if (!alive.empty()) what(*world_.random().Pick(alive));
  }
  template <typename Do>
  void WithAll(Do what) {
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      if (!connections_[i]->over()) what(*connections_[i]);
    }
  }

  void StopFlow(Clock::duration lasts) {
    WithAll([](BrokerConnection& c) { c.SetFlow(false); });
    world_.After(lasts, [this] {
      WithAll([](BrokerConnection& c) { c.SetFlow(true); });
    });
  }

  void Block(Clock::duration lasts) {
    if (std::exchange(is_blocked_, true)) return;
    WithAll([](BrokerConnection& c) { c.Block(); });
    world_.After(lasts, [this] {
      is_blocked_ = false;
      WithAll([](BrokerConnection& c) { c.Unblock(); });
    });
  }

  void Restart(Clock::duration lasts) {
    is_down_ = true;
    WithAll([](BrokerConnection& c) {
      c.wire().Cut();
      c.End();
    });
    queues_.Restart();
    world_.After(lasts, [this] { is_down_ = false; });
  }

  // As from any client of the broker.
  void ForgeRequest() {
    BrokerMessage request;
    request.routing_key = kQueue;
    request.body = world_.random().Chance(500) ? "123456" : "no number";
    request.properties.correlation_id = absl::StrCat("foreign id ", ++forged_);
    switch (world_.random().Below(3)) {
      case 0:
        request.properties.reply_to = kVictim;
        break;
      case 1:
        request.properties.reply_to = "amq.gen-nobody";
        break;
      default:
        break;
    }
    queues_.Publish(std::move(request));
  }

  World& world_;
  FaultPlan& plan_;
  BrokerQueues queues_;
  const int heartbeat_seconds_;
  int forged_ = 0;
  bool is_down_ = false;
  bool is_blocked_ = false;
  std::vector<std::unique_ptr<BrokerConnection>> connections_;
  // What servers had in their hands when its queue was deleted: nobody else
  // will answer it, and they may, over whatever connection.
  std::vector<Unsettled> orphans_;
};

}  // namespace rpc::simulation

#endif  // TESTS_SIMULATION_SIMULATED_BROKER_H_
