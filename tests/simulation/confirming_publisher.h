#ifndef TESTS_SIMULATION_CONFIRMING_PUBLISHER_H_
#define TESTS_SIMULATION_CONFIRMING_PUBLISHER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "rpc/amqp/connection_options.h"
#include "rpc/amqp/ending.h"
#include "rpc/amqp/message.h"
#include "rpc/amqp/modes.h"
#include "rpc/amqp/session.h"
#include "rpc/amqp/session_listener.h"
#include "rpc/amqp/topology.h"
#include "rpc/base/deadline.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/simulated_broker.h"
#include "tests/simulation/simulated_connection.h"
#include "tests/simulation/words.h"
#include "tests/simulation/world.h"

namespace rpc::simulation {

// A process that publishes with confirms into a queue of its own, and expects
// each to be settled once, as the broker did it.
class ConfirmingPublisher final : private SimulatedConnection::Driver,
                                  private amqp::ChannelListener {
 public:
  ConfirmingPublisher(World* world, SimulatedBroker* broker, Ledger* ledger,
                      int messages)
      : world_(*world), broker_(*broker), left_(messages) {
    amqp::ConnectionOptions options;
    options.addresses.emplace_back();
    SimulatedConnection::Driver* const driver = this;
    connection_.emplace(world, broker, ledger, "publisher", options, driver);
  }
  ~ConfirmingPublisher() override {
    connection_->Stop(Deadline::After(absl::Milliseconds(500), world_.Now()));
  }

  // Whether the broker still has to settle something.
  bool waits() const { return !unconfirmed_.empty(); }

 private:
  static constexpr char kQueue[] = "confirmed";

  // From SimulatedConnection::Driver.
  void OnUp(amqp::Session&, TimePoint) override {}
  void OnDown(const absl::Status&, amqp::Retry) override {}
  TimePoint OnTurn(amqp::Session* session, TimePoint now) override {
    if (session == nullptr || left_ == 0) return kNever;
    if (!channel_.has_value()) Open(*session, now);
    while (left_ > 0 && ready_ && session->CanPublish(*channel_)) {
      Publish(*session);
      // The others come with later turns, when confirms have come between.
      if (world_.random().Chance(300)) break;
    }
    return now + std::chrono::milliseconds(20);
  }

  void Open(amqp::Session& session, TimePoint now) {
    amqp::ChannelPlan plan;
    amqp::Queue queue;
    queue.name = kQueue;
    plan.topology.queues.push_back(std::move(queue));
    plan.confirms = amqp::Confirms::kOn;
    const auto channel = session.OpenChannel(std::move(plan), this, now);
    if (channel.ok()) channel_ = *channel;
  }

  void Publish(amqp::Session& session) {
    const std::string body = absl::StrCat("message ", --left_);
    const auto sequence =
        session.Publish(*channel_, "", kQueue, {}, body, amqp::Mandatory::kNo);
    if (!sequence.ok()) return world_.Violate(Words(sequence.status()));
    if (!unconfirmed_.emplace(*sequence, body).second) {
      world_.Violate("a publish got the number of another");
    }
  }

  // From amqp::ChannelListener.
  void OnReady(const amqp::ChannelNames&) override { ready_ = true; }
  void OnConfirm(std::uint64_t sequence, amqp::Confirm confirm) override {
    const auto found = unconfirmed_.find(sequence);
    if (found == unconfirmed_.end()) {
      return world_.Violate(
          absl::StrCat("publish ", sequence, " was confirmed twice"));
    }
    const bool is_taken = broker_.queues().HasTaken(kQueue, found->second);
    if (is_taken != (confirm == amqp::Confirm::kAck)) {
      world_.Violate(
          absl::StrCat("publish ", sequence, " was not confirmed as it was"));
    }
    unconfirmed_.erase(found);
  }
  void OnChannelClosed(const absl::Status&, amqp::Retry) override {
    channel_.reset();
    ready_ = false;
    unconfirmed_.clear();
  }

  World& world_;
  SimulatedBroker& broker_;
  int left_;
  std::optional<amqp::ChannelId> channel_;
  bool ready_ = false;
  std::map<std::uint64_t, std::string> unconfirmed_;
  std::optional<SimulatedConnection> connection_;
};

}  // namespace rpc::simulation

#endif  // TESTS_SIMULATION_CONFIRMING_PUBLISHER_H_
