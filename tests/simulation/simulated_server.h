#ifndef TESTS_SIMULATION_SIMULATED_SERVER_H_
#define TESTS_SIMULATION_SIMULATED_SERVER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "rpc/base/deadline.h"
#include "rpc/core/dispatcher.h"
#include "rpc/core/server.h"
#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"
#include "rpc/message/server_context.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/transport/transport_policy.h"
#include "tests/simulation/fault_plan.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/words.h"
#include "tests/simulation/world.h"

namespace rpc::simulation {

template <typename Transport>
concept CanDie = requires(Transport& transport) {
  transport.Kill();
};

// A process that serves Work over one Transport, as core::Remote does, but for
// who runs handlers: workers whose time is the world's. Each delivery waits for
// one, is handled by the core::Server, and is settled when its handler's time
// is over; or all three at once, on the transport's own turn.
template <typename Transport>
class SimulatedServer final : private ServerEvents, private Delivery::Origin {
 public:
  struct Options {
    ServerOptions server = {};
    bool has_workers = false;
    // It is given no more than its prefetch.
    bool is_bounded = true;
  };

  SimulatedServer(World* world, const FaultPlan* plan, Ledger* ledger,
                  typename Transport::Options transport, Options options)
      : world_(*world),
        plan_(*plan),
        options_(std::move(options)),
        work_{ledger},
        server_(options_.server,
                [this](const ServerContext& context, const Request& request,
                       Reply& reply) { Handle(context, request, reply); },
                {.now = [world] { return world->Now(); },
                 .cancels_handlers = false}),
        transport_(std::in_place, std::move(transport)) {}
  ~SimulatedServer() {
    // A process that dies answers nobody: what it held finds a transport that
    // sends nothing any more.
    held_.clear();
    transport_.reset();
    *alive_ = nullptr;
  }

  void Start() {
    Must(transport_->Open(Deadline()));
    Must(transport_->StartServing(this, server_.serving_options()));
  }

  // Drains, as core::Remote::Serve does when it is told to.
  void Stop() {
    const Deadline deadline =
        Deadline::After(options_.server.drain_timeout, world_.Now());
    Must(transport_->StopServing(deadline));
    Must(server_.Drain(deadline));
    // The pool gives back what no worker has begun.
    for (auto& [token, held] : held_) {
      if (!held.is_begun && !is_killed_) Begin(token);
    }
    world_.WaitUntil([&] {
      return held_.empty() || deadline.Expired(world_.Now()) || is_killed_;
    });
    const absl::Status flushed = transport_->Flush(deadline);
    world_.Trace("server",
                 [&] { return absl::StrCat("has stopped: ", Words(flushed)); });
    is_stopped_ = true;
  }

  // Whatever it is doing: nothing leaves any more, and others get what it held.
  void Kill() {
    is_killed_ = true;
    if constexpr (CanDie<Transport>) {
      transport_->Kill();
    } else {
      world_.After(Clock::duration(0), [alive = alive_] {
        if (*alive != nullptr) (*alive)->GiveUp();
      });
    }
  }
  bool is_killed() const { return is_killed_; }
  bool is_stopped() const { return is_stopped_; }
  // It is not there to serve, or it does.
  bool is_healed() const {
    return is_killed_ || is_stopped_ || is_refused_ || is_serving_;
  }

 private:
  struct Held {
    Delivery delivery;
    bool is_begun = false;
    std::optional<Settlement> settlement = {};
    std::optional<Reply> reply = {};
  };

  // As near to death as a transport comes whose broker is in this process.
  void GiveUp() {
    Must(transport_->StopServing(Deadline(world_.Now())));
    for (auto& [token, held] : std::exchange(held_, {})) {
      std::move(held.delivery).Requeue();
    }
  }

  // From ServerEvents.
  void OnServing() override {
    world_.Trace("server", [] { return "serves"; });
    is_serving_ = true;
    server_.OnServing();
  }
  void OnDelivery(Delivery delivery) override {
    Step();
    if (!options_.has_workers) {
      server_.OnDelivery(std::move(delivery));
      return Step();
    }
    const std::uint64_t token = next_++;
    held_.emplace(token, Held{std::move(delivery)});
    CheckPrefetch();
    Later(token, &SimulatedServer::BeginIfThere);
  }
  void OnDropped() override { server_.OnDropped(); }
  void OnInterrupted(const absl::Status& status) override {
    world_.Trace("server", [&] {
      return absl::StrCat("is interrupted: ", Words(status));
    });
    was_interrupted_ = true;
    is_serving_ = false;
    server_.OnInterrupted(status);
  }
  void OnRefused(const absl::Status& status) override {
    world_.Violate(absl::StrCat("a server was refused: ", Words(status)));
    is_refused_ = true;
    server_.OnRefused(status);
  }

  void BeginIfThere(std::uint64_t token) {
    const auto found = held_.find(token);
    if (found == held_.end() || found->second.is_begun || is_killed_) return;
    Begin(token);
  }
  // A worker takes it.
  void Begin(std::uint64_t token) {
    Step();
    Held& held = held_.at(token);
    held.is_begun = true;
    Delivery::Origin* const origin = this;
    server_.OnDelivery(Delivery(held.delivery.request(), held.delivery.facts(),
                                origin, token));
  }

  // From Delivery::Origin: the handler is done, or gave it back.
  void Settle(std::uint64_t token, const Request&, Settlement settlement,
              Reply* reply) override {
    Step();
    Held& held = held_.at(token);
    if (held.settlement.has_value()) {
      return world_.Violate("a delivery was settled twice");
    }
    held.settlement = settlement;
    if (reply != nullptr) held.reply = std::move(*reply);
    Later(token, &SimulatedServer::Finish);
  }
  void Finish(std::uint64_t token) {
    Step();
    const auto found = held_.find(token);
    if (found == held_.end()) return;
    if (is_killed_) return;
    Held held = std::move(found->second);
    held_.erase(found);
    if (held.reply.has_value()) {
      std::move(held.delivery).Answer(*std::move(held.reply), *held.settlement);
    } else if (*held.settlement == Settlement::kAck) {
      std::move(held.delivery).Ack();
    } else {
      std::move(held.delivery).Requeue();
    }
    Step();
  }

  void Later(std::uint64_t token,
             void (SimulatedServer::*what)(std::uint64_t)) {
    using std::chrono::microseconds;
    Random& random = world_.random();
    const int most = random.Chance(plan_.slow_handler) ? 1'500'000 : 500;
    world_.After(random.Between(microseconds(1), microseconds(most)),
                 [alive = alive_, token, what] {
                   if (*alive != nullptr) ((*alive)->*what)(token);
                 });
  }

  // Somewhere among these the process may die.
  void Step() {
    if (++steps_ != plan_.fatal_step || is_killed_ || is_stopped_) return;
    world_.Trace("server", [] { return "dies at this step"; });
    Kill();
  }

  void CheckPrefetch() {
    // What it held when it was interrupted, others hold as well.
    const auto prefetch = static_cast<std::size_t>(options_.server.prefetch);
    if (!options_.is_bounded || was_interrupted_) return;
    if (held_.size() <= prefetch) return;
    world_.Violate(absl::StrCat("a server holds ", held_.size(),
                                " requests, its prefetch is ", prefetch));
  }

  void Handle(const ServerContext& context, const Request& request,
              Reply& reply) const {
    using Dispatch = core::Dispatcher<DecimalSerializer, Work>;
    reply.status = Dispatch::CheckContentType(request.content_type);
    if (reply.status.ok()) {
      work_.ledger->Runs(request.correlation_id);
      reply.status = Dispatch(&serializer_, &work_)
                         .Dispatch(context, request.method, request.body.view(),
                                   reply.body);
    }
    if (!reply.status.ok()) reply.body.clear();
  }

  void Must(const absl::Status& status) {
    if (status.ok()) return;
    world_.Violate(absl::StrCat("a server: ", Words(status)));
  }

  World& world_;
  const FaultPlan& plan_;
  const Options options_;
  const DecimalSerializer serializer_ = {};
  const Work work_;
  const std::shared_ptr<SimulatedServer*> alive_ =
      std::make_shared<SimulatedServer*>(this);
  int steps_ = 0;
  bool is_serving_ = false;
  bool was_interrupted_ = false;
  bool is_refused_ = false;
  bool is_killed_ = false;
  bool is_stopped_ = false;
  std::uint64_t next_ = 1;
  core::Server server_;
  std::optional<Transport> transport_;
  std::map<std::uint64_t, Held> held_;
};

}  // namespace rpc::simulation

#endif  // TESTS_SIMULATION_SIMULATED_SERVER_H_
