#ifndef TESTS_SIMULATION_SIMULATED_TRANSPORT_H_
#define TESTS_SIMULATION_SIMULATED_TRANSPORT_H_

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "rpc/amqp/ending.h"
#include "rpc/amqp/session.h"
#include "rpc/base/deadline.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/rabbitmq_calls.h"
#include "rpc/transport/rabbitmq_counters.h"
#include "rpc/transport/rabbitmq_options.h"
#include "rpc/transport/rabbitmq_serving.h"
#include "rpc/transport/transport_policy.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/simulated_broker.h"
#include "tests/simulation/simulated_connection.h"
#include "tests/simulation/world.h"

namespace rpc::simulation {

// RabbitMqTransport with a SimulatedConnection in place of its own.
class SimulatedTransport final : private SimulatedConnection::Driver {
 public:
  struct Options {
    World* world = nullptr;
    SimulatedBroker* broker = nullptr;
    Ledger* ledger = nullptr;
    std::string name = {};
    RabbitMqOptions rabbitmq = {};
  };
  static constexpr TransportTraits kTraits = {
      .redelivers = true, .expires = true, .returns = true, .concurrent = true};

  explicit SimulatedTransport(Options options)
      : options_(std::move(options)),
        calls_(options_.rabbitmq, &counters_),
        serving_(options_.rabbitmq, &counters_, [this] { Wake(); }) {}
  SimulatedTransport(const SimulatedTransport&) = delete;
  SimulatedTransport& operator=(const SimulatedTransport&) = delete;
  ~SimulatedTransport() override {
    if (connection_ == nullptr || is_killed_) return;
    connection_->Stop(
        Deadline::After(absl::Milliseconds(500), options_.world->Now()));
  }

  // Does not wait until it is connected: calls may come before.
  absl::Status Open(Deadline) {
    auto connection = ToConnectionOptions(options_.rabbitmq);
    if (!connection.ok()) return connection.status();
    SimulatedConnection::Driver* const driver = this;
    connection_ = std::make_unique<SimulatedConnection>(
        options_.world, options_.broker, options_.ledger, options_.name,
        *std::move(connection), driver);
    return absl::OkStatus();
  }
  std::string Describe() const { return options_.name; }
  TimePoint Now() const { return options_.world->Now(); }
  void Wake() { connection_->Wake(); }

  absl::Status StartCalls(CallEvents* events) {
    const absl::Status started = calls_.Start(events);
    if (started.ok()) Wake();
    return started;
  }
  absl::Status Submit(Request&& request) {
    const absl::StatusOr<bool> wake = calls_.Post(std::move(request));
    if (!wake.ok()) return wake.status();
    if (*wake) Wake();
    return absl::OkStatus();
  }

  absl::Status StartServing(ServerEvents* events, ServingOptions options) {
    return serving_.Start(events, options);
  }
  absl::Status StopServing(Deadline deadline) {
    return serving_.Stop(deadline);
  }
  absl::Status Flush(Deadline deadline) { return serving_.Flush(deadline); }

  // As if the process had died: nothing leaves any more.
  void Kill() {
    is_killed_ = true;
    if (connection_ != nullptr) connection_->Kill();
  }

 private:
  // From SimulatedConnection::Driver.
  void OnUp(amqp::Session&, TimePoint) override {
    calls_.OnUp();
    serving_.OnUp();
  }
  void OnDown(const absl::Status& status, amqp::Retry retry) override {
    if (retry != amqp::Retry::kNever) return;
    calls_.Refuse(status);
    serving_.Refuse(status);
  }
  void OnRead() override { calls_.OnRead(); }
  TimePoint OnTurn(amqp::Session* session, TimePoint now) override {
    return std::min(calls_.OnTurn(session, now), serving_.OnTurn(session, now));
  }

  const Options options_;
  bool is_killed_ = false;
  rabbitmq::Counters counters_;
  rabbitmq::Calls calls_;
  rabbitmq::Serving serving_;
  // Last: its turns use all of the above.
  std::unique_ptr<SimulatedConnection> connection_;
};

}  // namespace rpc::simulation

#endif  // TESTS_SIMULATION_SIMULATED_TRANSPORT_H_
