#ifndef TESTS_SIMULATION_SIMULATED_CLIENT_H_
#define TESTS_SIMULATION_SIMULATED_CLIENT_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/core/call_options.h"
#include "rpc/core/endpoint_options.h"
#include "rpc/core/retry_policy.h"
#include "rpc/endpoint.h"
#include "rpc/serializer/decimal_serializer.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/words.h"
#include "tests/simulation/world.h"

namespace rpc::simulation {

// A process that calls Work through an endpoint, with all kinds of deadlines,
// from outside and from within callbacks, and cancels some of its calls.
template <typename Transport>
class SimulatedClient {
 public:
  using Endpoint = RpcEndpoint<Transport, DecimalSerializer, Work::Method>;

  SimulatedClient(World* world, Ledger* ledger,
                  typename Endpoint::Options options)
      : world_(*world),
        ledger_(*ledger),
        // There is always room for a pause between two attempts.
        max_in_flight_(options.retry.max_attempts > 1
                           ? std::numeric_limits<std::size_t>::max()
                           : options.max_in_flight),
        retry_(options.retry) {
    options.callback_threads = 0;
    auto opened = Endpoint::Open(std::move(options));
    if (!opened.ok()) world_.Violate(Words(opened.status()));
    if (opened.ok()) endpoint_.emplace(*std::move(opened));
  }
  ~SimulatedClient() {
    *alive_ = nullptr;
    End();
  }

  // Makes a call then, and perhaps a further one when it is over.
  void CallAfter(Clock::duration pause) {
    world_.After(pause, [alive = alive_] {
      if (*alive != nullptr) (*alive)->CallOnce();
    });
  }

  // A call that nothing stands in the way of.
  void Probe() {
    const absl::Duration timeout = absl::Seconds(20);
    const std::int64_t argument = Begin(timeout);
    ledger_.Find(argument)->is_probe = true;
    Call(argument, {.timeout = timeout});
  }

  // Ends the endpoint, and with it what is pending.
  void End() {
    for (const std::int64_t argument : pending_) {
      ledger_.Find(argument)->was_cancelled = true;
    }
    is_ending_ = true;
    endpoint_.reset();
    if (!pending_.empty()) {
      world_.Violate("calls were pending when their endpoint was gone");
    }
  }
  bool is_ended() const { return is_ending_; }

  // Between events, when each call that is over has been told.
  void Check() {
    if (pending_.size() > max_in_flight_) {
      world_.Violate(absl::StrCat(pending_.size(), " calls in flight, ",
                                  max_in_flight_, " allowed"));
    }
  }

 private:
  absl::Duration DrawTimeout() {
    Random& random = world_.random();
    switch (random.Below(8)) {
      case 0:
        return absl::ZeroDuration();
      case 1:
        return absl::InfiniteDuration();
      case 2:
        return absl::Microseconds(random.Between(1, 3000));
      case 3:
      case 4:
        return absl::Milliseconds(random.Between(1, 100));
      default:
        return absl::Milliseconds(random.Between(100, 3000));
    }
  }

  std::int64_t Begin(absl::Duration timeout) {
    const std::int64_t argument =
        ledger_.Begin(Deadline::After(timeout, world_.Now()));
    ledger_.Find(argument)->retry = retry_;
    pending_.insert(argument);
    world_.Trace("caller", [&] {
      return absl::StrCat("begins call ", argument, " within ",
                          absl::FormatDuration(timeout));
    });
    return argument;
  }

  void CallOnce() {
    if (is_ending_) return;
    const absl::Duration timeout = DrawTimeout();
    const std::int64_t argument = Begin(timeout);
    CallOptions options = {.timeout = timeout};
    if (world_.random().Chance(150)) {
      auto source = std::make_shared<std::stop_source>();
      options.cancellation = source->get_token();
      CancelLater(argument, std::move(source));
    }
    Call(argument, options);
  }

  void CancelLater(std::int64_t argument,
                   std::shared_ptr<std::stop_source> source) {
    using std::chrono::milliseconds;
    if (world_.random().Chance(100)) {
      ledger_.Find(argument)->was_cancelled = true;
      source->request_stop();
      return;
    }
    world_.After(world_.random().Between(milliseconds(0), milliseconds(200)),
                 [this, alive = alive_, argument, source] {
                   if (*alive == nullptr) return;
                   ledger_.Find(argument)->was_cancelled = true;
                   source->request_stop();
                 });
  }

  void Call(std::int64_t argument, const CallOptions& options) {
    endpoint_->CallAsync(argument, options,
                         [this, argument](absl::StatusOr<std::int64_t> result) {
                           pending_.erase(argument);
                           ledger_.Ended(argument, std::move(result));
                           if (world_.random().Chance(100)) CallOnce();
                         });
  }

  World& world_;
  Ledger& ledger_;
  const std::size_t max_in_flight_;
  const RetryPolicy retry_;
  const std::shared_ptr<SimulatedClient*> alive_ =
      std::make_shared<SimulatedClient*>(this);
  std::set<std::int64_t> pending_;
  bool is_ending_ = false;
  std::optional<Endpoint> endpoint_;
};

}  // namespace rpc::simulation

#endif  // TESTS_SIMULATION_SIMULATED_CLIENT_H_
