#ifndef TESTS_SIMULATION_SCENARIO_H_
#define TESTS_SIMULATION_SCENARIO_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "rpc/base/deadline.h"
#include "rpc/core/retry_policy.h"
#include "tests/simulation/fault_plan.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/random.h"
#include "tests/simulation/simulated_client.h"
#include "tests/simulation/simulated_server.h"
#include "tests/simulation/world.h"

namespace rpc::simulation {

// One run: clients call, servers serve, the plan's faults happen; then there is
// peace, in which every endpoint must work; then the end, at which nothing may
// be left. The Setting is what they meet at.
template <typename Setting>
class Scenario {
 public:
  Scenario(std::uint64_t seed, Tracing tracing)
      : world_(seed, tracing),
        plan_(FaultPlan::Draw(world_.random())),
        setting_(&world_, &plan_, &ledger_) {}

  // Afterwards world() knows what happened.
  void Run() {
    Begin();
    world_.RunUntil(World::kBegin + std::chrono::seconds(3));
    Calm();
    End();
    ledger_.Check();
  }

  const World& world() const { return world_; }

 private:
  using Server = SimulatedServer<typename Setting::Transport>;
  using Client = SimulatedClient<typename Setting::Transport>;

  void Begin() {
    Random& random = world_.random();
    using std::chrono::milliseconds;
    if (plan_.is_empty) ledger_.ExpectAnswers();
    for (int servers = random.Between(1, 2); servers > 0; --servers) {
      world_.After(random.Chance(700)
                       ? Clock::duration(0)
                       : random.Between(milliseconds(1), milliseconds(500)),
                   [this] { AddServer(); });
    }
    for (int clients = random.Between(1, 2); clients > 0; --clients) {
      AddClient();
      for (int calls = random.Between(3, 20); calls > 0; --calls) {
        clients_.back()->CallAfter(plan_.DrawTime(random));
      }
    }
    for (const PlannedFault& planned : plan_.planned) {
      world_.After(planned.at, [this, planned] { Cause(planned); });
    }
    world_.set_after_step([this] {
      for (const auto& client : clients_) client->Check();
    });
  }

  void AddServer() {
    if (is_over_) return;
    typename Server::Options options;
    options.server.workers = 0;
    options.server.prefetch = world_.random().Between(1, 8);
    options.server.drain_timeout = absl::Seconds(2);
    options.has_workers = world_.random().Chance(600);
    options.is_bounded = setting_.bounds_deliveries();
    const std::string name = absl::StrCat("server ", ++named_);
    servers_.push_back(std::make_unique<Server>(&world_, &plan_, &ledger_,
                                                setting_.TransportOf(name),
                                                std::move(options)));
    servers_.back()->Start();
  }

  void AddClient() {
    typename Client::Endpoint::Options options;
    options.transport = setting_.TransportOf(absl::StrCat("client ", ++named_));
    if (world_.random().Chance(200)) {
      options.max_in_flight =
          static_cast<std::size_t>(world_.random().Between(1, 4));
    }
    if (world_.random().Chance(200)) options.connections = 2;
    if (world_.random().Chance(300)) options.retry = DrawRetry();
    clients_.push_back(
        std::make_unique<Client>(&world_, &ledger_, std::move(options)));
  }

  RetryPolicy DrawRetry() {
    Random& random = world_.random();
    RetryPolicy retry;
    retry.max_attempts = random.Between(2, 4);
    retry.initial_backoff = absl::Milliseconds(random.Between(0, 50));
    if (random.Chance(400)) {
      retry.attempt_timeout = absl::Milliseconds(random.Between(1, 500));
    }
    return retry;
  }

  void Cause(const PlannedFault& planned) {
    if (is_over_) return;
    world_.Trace("fault", [&] {
      return absl::StrCat(
          static_cast<int>(planned.fault), " for ",
          absl::FormatDuration(absl::FromChrono(planned.lasts)));
    });
    switch (planned.fault) {
      case Fault::kKillServer:
        return KillServer(planned.lasts);
      case Fault::kStopServer:
        return OneAtATime([this, planned] { StopServer(planned.lasts); });
      case Fault::kDestroyClient:
        return OneAtATime([this] { DestroyClient(); });
      default:
        return setting_.Cause(planned);
    }
  }

  // What waits in the middle of an event keeps its place on the stack.
  void OneAtATime(std::function<void()> what) {
    if (world_.waits()) {
      return world_.After(std::chrono::milliseconds(1),
                          [this, what] { OneAtATime(what); });
    }
    if (is_over_) return;
    world_.set_waits(true);
    what();
    world_.set_waits(false);
  }

  void KillServer(Clock::duration until_next) {
    for (auto& server : servers_) {
      if (server->is_killed() || server->is_stopped()) continue;
      server->Kill();
      break;
    }
    world_.After(until_next, [this] { AddServer(); });
  }
  void StopServer(Clock::duration until_next) {
    for (auto& server : servers_) {
      if (server->is_killed() || server->is_stopped()) continue;
      server->Stop();
      break;
    }
    world_.After(until_next, [this] { AddServer(); });
  }
  void DestroyClient() { world_.random().Pick(clients_)->End(); }

  // No faults from now on; what they left behind has time to heal.
  void Calm() {
    world_.Trace("world", [] { return "calms down"; });
    plan_.Calm();
    using std::chrono::seconds;
    world_.RunUntil(world_.Now() + seconds(3),
                    [this] { return !world_.waits(); });
    AddServer();
    AddClient();
    world_.RunUntil(world_.Now() + seconds(4));
    for (const auto& server : servers_) {
      if (!server->is_healed()) world_.Violate("a server does not serve again");
    }
    for (const auto& client : clients_) {
      if (!client->is_ended()) client->Probe();
    }
    world_.RunUntil(world_.Now() + seconds(25),
                    [this] { return ledger_.pending() == 0; });
    world_.RunUntil(world_.Now() + seconds(2),
                    [this] { return setting_.IsIdle(); });
    if (!setting_.IsIdle())
      world_.Violate("requests are left that nobody serves");
  }

  void End() {
    is_over_ = true;
    world_.set_waits(true);
    for (auto& server : servers_) {
      if (!server->is_killed() && !server->is_stopped()) server->Stop();
    }
    servers_.clear();
    world_.set_after_step(nullptr);
    clients_.clear();
  }

  World world_;
  FaultPlan plan_;
  Ledger ledger_{&world_};
  Setting setting_;
  int named_ = 0;
  bool is_over_ = false;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::unique_ptr<Server>> servers_;
};

}  // namespace rpc::simulation

#endif  // TESTS_SIMULATION_SCENARIO_H_
