#ifndef TESTS_SIMULATION_MEMORY_SETTING_H_
#define TESTS_SIMULATION_MEMORY_SETTING_H_

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "rpc/base/deadline.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/memory_broker.h"
#include "rpc/transport/memory_clock.h"
#include "rpc/transport/memory_queue.h"
#include "rpc/transport/memory_transport.h"
#include "tests/simulation/fault_plan.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/world.h"

namespace rpc::simulation {

// Clients and servers meet at a MemoryBroker, whose time is the world's.
class MemorySetting {
 public:
  using Transport = MemoryTransport;

  MemorySetting(World* world, FaultPlan* plan, Ledger*)
      : world_(*world),
        broker_(std::make_shared<MemoryBroker>(DrawOptions(world->random()))) {
    world_.set_clock([this] { return broker_->Now(); },
                     [this] { return broker_->NextWakeUp(); },
                     [this](TimePoint to) { broker_->Advance(to); });
    if (!plan->is_empty) AddKills(plan);
  }

  Transport::Options TransportOf(const std::string&) {
    return {.broker = broker_, .queue = kQueue};
  }

  void Cause(const PlannedFault& planned) {
    if (planned.fault != Fault::kForgeRequest) return;
    Random& random = world_.random();
    Request request;
    request.correlation_id = std::string_view(absl::StrCat("id ", ++forged_));
    request.body = random.Chance(500) ? "123456" : "no number";
    if (random.Chance(500)) request.reply_to = "victim";
    broker_->Publish(kQueue, std::move(request)).IgnoreError();
  }

  bool bounds_deliveries() const { return true; }

  bool IsIdle() {
    MemoryQueue* const queue = broker_->Find(kQueue);
    return queue != nullptr && queue->ready() == 0;
  }

 private:
  static constexpr char kQueue[] = "work";

  // Most faults mean nothing without a wire; these do.
  void AddKills(FaultPlan* plan) {
    Random& random = world_.random();
    using std::chrono::milliseconds;
    for (int kills = random.Between(0, 3); kills > 0; --kills) {
      plan->planned.push_back(
          {Fault::kKillServer, plan->DrawTime(random),
           random.Between(milliseconds(0), milliseconds(10))});
    }
  }

  static MemoryBroker::Options DrawOptions(Random& random) {
    MemoryBroker::Options options;
    options.time = MemoryTime::kManual;
    options.start = World::kBegin;
    if (random.Chance(200)) {
      options.queue.max_length = static_cast<std::size_t>(random.Between(1, 4));
    }
    options.queue.counts_deliveries = random.Chance(300);
    return options;
  }

  World& world_;
  const std::shared_ptr<MemoryBroker> broker_;
  int forged_ = 0;
};

}  // namespace rpc::simulation

#endif  // TESTS_SIMULATION_MEMORY_SETTING_H_
