#ifndef TESTS_SIMULATION_WIRE_H_
#define TESTS_SIMULATION_WIRE_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "rpc/amqp/frames.h"
#include "rpc/amqp/message.h"
#include "rpc/base/deadline.h"
#include "tests/simulation/fault_plan.h"
#include "tests/simulation/world.h"

namespace rpc::simulation {

// A frame on its way to a client, with what it is a view of.
struct BrokerFrame {
  amqp::Frame frame;
  std::unique_ptr<amqp::Properties> properties = nullptr;
  // The last frame of the genuine reply to the call of that argument; -1: not.
  std::int64_t replies_to = -1;
  bool is_result = false;
};

// A TCP connection between a client and the broker: keeps the order, takes
// time, loses what was on its way when it is cut.
class Wire : public std::enable_shared_from_this<Wire> {
 public:
  Wire(World* world, const FaultPlan* plan) : world_(*world), plan_(*plan) {}

  // Who is told of what arrives.
  struct BrokerEnd {
    std::function<void(std::string_view)> on_bytes = {};
    std::function<void()> on_hang_up = {};
  };
  void set_broker(BrokerEnd end) { broker_ = std::move(end); }
  void set_on_readable(std::function<void()> on_readable) {
    on_readable_ = std::move(on_readable);
  }

  // The client's end. Takes the first of `bytes`; nothing: the wire is broken.
  std::optional<std::size_t> Write(std::string_view bytes) {
    if (cut_) return std::nullopt;
    if (frozen() && world_.random().Chance(500)) return 0;
    Random& random = world_.random();
    std::size_t size = bytes.size();
    const bool is_cut = random.Chance(plan_.wire_cut_in_a_write);
    if (is_cut || random.Chance(plan_.short_write)) {
      size = random.Below(size + 1);
    }
    ToBroker(std::string(bytes.substr(0, size)));
    if (is_cut) Cut(Loses::kNothing);
    return size;
  }

  // The next frame that has arrived, or nothing. Null at the wire's end.
  std::optional<std::unique_ptr<BrokerFrame>> Read() {
    if (frozen()) return std::nullopt;
    if (to_client_.empty() || to_client_.front().at > world_.Now()) {
      return std::nullopt;
    }
    if (to_client_.front().frame == nullptr) return nullptr;
    if (!cut_ && world_.random().Chance(plan_.wire_cut_before_a_frame)) {
      Cut(Loses::kSome);
      return std::nullopt;
    }
    std::unique_ptr<BrokerFrame> frame = std::move(to_client_.front().frame);
    to_client_.pop_front();
    return frame;
  }

  // The client hangs up: what it has written arrives.
  void Close() {
    on_readable_ = nullptr;
    to_client_.clear();
    closed_ = true;
    if (!std::exchange(cut_, true)) ToBroker(std::nullopt);
  }

  // The broker's end.
  void Send(BrokerFrame frame) {
    if (cut_) return;
    ToClient(std::make_unique<BrokerFrame>(std::move(frame)));
  }
  void HangUp() {
    if (!std::exchange(cut_, true)) ToClient(nullptr);
  }

  // Both ends lose the other, and some of what was under way is lost.
  void Cut() { Cut(Loses::kSome); }
  // Nothing arrives until then.
  void FreezeFor(Clock::duration time) {
    frozen_until_ = std::max(frozen_until_, world_.Now() + time);
  }
  bool was_frozen() const { return frozen_until_ != TimePoint(); }

 private:
  enum class Loses { kNothing, kSome };
  struct Arrival {
    TimePoint at;
    std::unique_ptr<BrokerFrame> frame;  // null: the end
  };

  bool frozen() const { return world_.Now() < frozen_until_; }

  void Cut(Loses loses) {
    if (std::exchange(cut_, true)) return;
    if (loses == Loses::kSome) {
      to_broker_.resize(world_.random().Below(to_broker_.size() + 1));
      to_client_.resize(world_.random().Below(to_client_.size() + 1));
    }
    ToBroker(std::nullopt);
    ToClient(nullptr);
  }

  // Frames of a burst arrive together, mostly.
  TimePoint ArrivalAfter(TimePoint& last) {
    using std::chrono::microseconds;
    Random& random = world_.random();
    const TimePoint now = world_.Now();
    if (last > now && !random.Chance(250)) return last;
    const bool is_slow = random.Chance(plan_.slow_frame);
    const Clock::duration time =
        random.Between(microseconds(20), microseconds(is_slow ? 60'000 : 300));
    return last = std::max(last, now + time);
  }

  void ToBroker(std::optional<std::string> bytes) {
    to_broker_.push_back(std::move(bytes));
    world_.At(ArrivalAfter(last_to_broker_),
              [self = shared_from_this()] { self->ArriveAtBroker(); });
  }
  void ArriveAtBroker() {
    if (frozen()) {
      return world_.At(frozen_until_,
                       [self = shared_from_this()] { self->ArriveAtBroker(); });
    }
    if (to_broker_.empty()) return;
    const std::optional<std::string> bytes = std::move(to_broker_.front());
    to_broker_.pop_front();
    if (!bytes.has_value()) return broker_.on_hang_up();
    broker_.on_bytes(*bytes);
  }

  void ToClient(std::unique_ptr<BrokerFrame> frame) {
    if (closed_) return;
    const TimePoint at = ArrivalAfter(last_to_client_);
    const bool is_first_then = to_client_.empty() || to_client_.back().at != at;
    to_client_.push_back({at, std::move(frame)});
    if (!is_first_then) return;
    world_.At(at, [self = shared_from_this()] { self->ArriveAtClient(); });
  }
  void ArriveAtClient() {
    if (frozen()) {
      return world_.At(frozen_until_,
                       [self = shared_from_this()] { self->ArriveAtClient(); });
    }
    if (on_readable_) on_readable_();
  }

  World& world_;
  const FaultPlan& plan_;
  BrokerEnd broker_;
  std::function<void()> on_readable_;
  bool cut_ = false;
  bool closed_ = false;  // by the client
  TimePoint frozen_until_;
  std::deque<std::optional<std::string>> to_broker_;  // nothing: the end
  std::deque<Arrival> to_client_;
  TimePoint last_to_broker_;
  TimePoint last_to_client_;
};

}  // namespace rpc::simulation

#endif  // TESTS_SIMULATION_WIRE_H_
