#ifndef TESTS_SIMULATION_SIMULATED_CONNECTION_H_
#define TESTS_SIMULATION_SIMULATED_CONNECTION_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "rpc/amqp/backoff.h"
#include "rpc/amqp/connection_loop.h"
#include "rpc/amqp/connection_options.h"
#include "rpc/amqp/ending.h"
#include "rpc/amqp/rabbitmq_c.h"
#include "rpc/amqp/session.h"
#include "rpc/amqp/session_listener.h"
#include "rpc/base/deadline.h"
#include "tests/amqp/sent_frames.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/simulated_broker.h"
#include "tests/simulation/wire.h"
#include "tests/simulation/words.h"
#include "tests/simulation/world.h"

namespace rpc::simulation {

// In place of an amqp::Connection, its thread and its sockets: does for a
// driver, turn by turn, what amqp::ConnectionLoop does, over a Wire.
class SimulatedConnection final : private amqp::SessionListener {
 public:
  using Driver = amqp::ConnectionLoop::Driver;

  SimulatedConnection(World* world, SimulatedBroker* broker, Ledger* ledger,
                      std::string name, amqp::ConnectionOptions options,
                      Driver* driver)
      : world_(*world),
        broker_(*broker),
        ledger_(*ledger),
        name_(std::move(name)),
        options_(std::move(options)),
        driver_(*driver),
        backoff_(1, options_.backoff_least, options_.backoff_most),
        dial_at_(world->Now()) {
    TurnAt(world_.Now());
  }
  ~SimulatedConnection() override {
    if (wire_ != nullptr) wire_->Close();
    *alive_ = nullptr;
  }

  // Causes a turn soon: the thread needs a moment to wake up.
  void Wake() {
    TurnAt(world_.Now() +
           world_.random().Between(Clock::duration(0),
                                   std::chrono::microseconds(50)));
  }

  // Says goodbye, and waits for the answer until `deadline`.
  void Stop(Deadline deadline) {
    stopping_ = deadline;
    Wake();
    world_.WaitUntil([this] { return stopped_; });
  }

  // As if its process had died: nothing leaves any more, not even what this
  // turn has encoded. Whoever waits for it to do something goes on to its end.
  void Kill() {
    killed_ = true;
    if (wire_ != nullptr) wire_->Close();
    TurnAt(world_.Now());
  }

 private:
  // From amqp::SessionListener.
  void OnOpen() override {
    up_since_ = world_.Now();
    driver_.OnUp(*session_, world_.Now());
  }
  void OnClosed(const absl::Status& status, amqp::Retry retry) override {
    ending_ = amqp::Ending{status, retry};
  }

  void TurnAt(TimePoint at) {
    if (at >= turn_at_ || stopped_) return;
    turn_at_ = at;
    world_.At(at, [alive = alive_, at] {
      SimulatedConnection* const self = *alive;
      if (self != nullptr && self->turn_at_ == at) self->Turn();
    });
  }

  void Turn() {
    turn_at_ = kNever;
    if (stopped_) return;
    if (session_ != nullptr) Receive();
    CheckStop();
    if (session_ == nullptr) Dial();
    if (session_ != nullptr) {
      Serve();
    } else if (!stopped_) {
      driver_wake_ = driver_.OnTurn(nullptr, world_.Now());
    }
    TurnAt(NextWake());
  }

  void Receive() {
    if (killed_) {
      return session_->OnDisconnected(absl::UnavailableError("killed"),
                                      world_.Now());
    }
    bool has_read = false;
    while (!session_->closed()) {
      std::optional<std::unique_ptr<BrokerFrame>> frame = wire_->Read();
      if (!frame.has_value()) break;
      has_read = true;
      if (*frame == nullptr) {
        session_->OnDisconnected(
            absl::UnavailableError("the peer closed the connection"),
            world_.Now());
        break;
      }
      if ((*frame)->replies_to >= 0) {
        ledger_.Answered((*frame)->replies_to, (*frame)->is_result);
      }
      session_->OnFrame((*frame)->frame, world_.Now());
      // A read ends anywhere.
      if (world_.random().Chance(100)) {
        Wake();
        break;
      }
    }
    if (has_read) driver_.OnRead();
  }

  void CheckStop() {
    if (!stopping_.has_value()) return;
    const bool at_once = session_ == nullptr || !up_since_.has_value() ||
                         stopping_->Expired(world_.Now());
    if (!at_once) return session_->Close();
    const absl::Status cancelled =
        absl::CancelledError("the connection was stopped by its owner");
    if (session_ != nullptr) {
      session_->OnDisconnected(cancelled, world_.Now());
    }
    if (!std::exchange(dialled_out_, true)) {
      driver_.OnDown(cancelled, amqp::Retry::kNever);
    }
    session_.reset();
    if (wire_ != nullptr) wire_->Close();
    stopped_ = true;
  }

  void Dial() {
    if (stopped_ || killed_ || dialled_out_ || world_.Now() < dial_at_) return;
    wire_ = broker_.Accept(name_);
    if (wire_ == nullptr) {
      return Down({absl::UnavailableError("connection refused")},
                  absl::ZeroDuration());
    }
    world_.Trace(name_, [] { return "connects"; });
    wire_->set_on_readable([this] { TurnAt(world_.Now()); });
    amqp::SessionListener* const listener = this;
    session_ = std::make_unique<amqp::Session>(options_.session, listener,
                                               world_.Now());
  }

  void Serve() {
    const TimePoint now = world_.Now();
    session_->OnTime(now);
    const std::size_t waiting = session_->out().size();
    driver_wake_ =
        driver_.OnTurn(session_->open() ? session_.get() : nullptr, now);
    if (session_->blocked() &&
        Publishes(session_->out().view().substr(waiting))) {
      world_.Violate(absl::StrCat(name_, " publishes to a broker that blocks"));
    }
    Send();
    if (!ending_.has_value()) return;
    const absl::Duration lasted = up_since_.has_value()
                                      ? absl::FromChrono(now - *up_since_)
                                      : absl::ZeroDuration();
    Down(*std::exchange(ending_, std::nullopt), lasted);
    up_since_.reset();
    session_.reset();
    if (wire_ != nullptr) wire_->Close();
    wire_.reset();
  }

  // Whether one of these whole frames is a basic.publish.
  static bool Publishes(std::string_view frames) {
    while (!frames.empty()) {
      if (frames[0] == AMQP_FRAME_METHOD &&
          amqp::BigEndian(frames.substr(7, 4)) == AMQP_BASIC_PUBLISH_METHOD) {
        return true;
      }
      frames.remove_prefix(
          static_cast<std::size_t>(amqp::BigEndian(frames.substr(3, 4))) + 8);
    }
    return false;
  }

  void Send() {
    amqp::OutBuffer& out = session_->out();
    if (out.empty()) return;
    const std::optional<std::size_t> size = wire_->Write(out.view());
    if (!size.has_value()) {
      // What the broker said last is there to be read.
      if (!session_->closed()) Receive();
      return session_->OnDisconnected(absl::UnavailableError("broken pipe"),
                                      world_.Now());
    }
    out.Sent(*size);
    if (out.empty()) return;
    // The kernel takes more in a while.
    TurnAt(world_.Now() +
           world_.random().Between(std::chrono::microseconds(10),
                                   std::chrono::microseconds(2000)));
  }

  void Down(const amqp::Ending& ending, absl::Duration lasted) {
    world_.Trace(
        name_, [&] { return absl::StrCat("is down: ", Words(ending.status)); });
    dialled_out_ = stopping_.has_value() || ending.retry == amqp::Retry::kNever;
    stopped_ = stopping_.has_value();
    dial_at_ = backoff_.Failed(lasted, world_.Now());
    driver_.OnDown(ending.status,
                   dialled_out_ ? amqp::Retry::kNever : amqp::Retry::kYes);
  }

  TimePoint NextWake() const {
    TimePoint wake = driver_wake_;
    if (stopping_.has_value()) wake = std::min(wake, stopping_->at());
    if (session_ != nullptr) {
      if (ending_.has_value()) return world_.Now();
      wake = std::min(wake, session_->NextWake());
    } else if (!dialled_out_ && !killed_) {
      wake = std::min(wake, dial_at_);
    }
    return wake;
  }

  World& world_;
  SimulatedBroker& broker_;
  Ledger& ledger_;
  const std::string name_;
  const amqp::ConnectionOptions options_;
  Driver& driver_;
  // What events know of this: null once it is gone.
  const std::shared_ptr<SimulatedConnection*> alive_ =
      std::make_shared<SimulatedConnection*>(this);

  amqp::Backoff backoff_;
  TimePoint dial_at_;
  std::shared_ptr<Wire> wire_;
  std::unique_ptr<amqp::Session> session_;
  std::optional<TimePoint> up_since_;
  std::optional<amqp::Ending> ending_;
  bool dialled_out_ = false;
  std::optional<Deadline> stopping_;
  bool stopped_ = false;
  bool killed_ = false;
  TimePoint driver_wake_ = kNever;
  TimePoint turn_at_ = kNever;
};

}  // namespace rpc::simulation

#endif  // TESTS_SIMULATION_SIMULATED_CONNECTION_H_
