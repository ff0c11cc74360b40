#ifndef TESTS_SIMULATION_LEDGER_H_
#define TESTS_SIMULATION_LEDGER_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/core/deadline_wheel.h"
#include "rpc/core/retry_policy.h"
#include "rpc/message/method.h"
#include "rpc/message/server_context.h"
#include "tests/simulation/words.h"
#include "tests/simulation/world.h"

namespace rpc::simulation {

// What a call asked for and what became of it.
struct CallRecord {
  TimePoint begun;
  Deadline deadline;
  // It has to succeed.
  bool is_probe = false;
  bool was_cancelled = false;
  RetryPolicy retry = {};
  // The requests for it that reached the broker, whatever became of them.
  int sent = 0;
  std::string message_id = {};
  int ends = 0;
  TimePoint ended;
  absl::StatusOr<std::int64_t> result = absl::UnknownError("not ended");
  int runs = 0;
  // The correlation ids of the requests that it ran for.
  std::set<std::string> ran_for = {};
  // When its genuine reply reached the client, and whether that was a result.
  std::optional<TimePoint> answered;
  bool answered_well = false;
};

// All calls of a run, each under an argument of its own, and what must hold for
// each of them.
class Ledger {
 public:
  explicit Ledger(World* world) : world_(*world) {}

  // Returns the argument.
  std::int64_t Begin(Deadline deadline) {
    CallRecord& call = calls_.emplace_back();
    call.begun = world_.Now();
    call.deadline = deadline;
    ++pending_;
    return static_cast<std::int64_t>(calls_.size()) - 1;
  }
  // Null for what is no argument of a call.
  CallRecord* Find(std::int64_t argument) {
    const bool is_known =
        argument >= 0 && argument < static_cast<std::int64_t>(calls_.size());
    return is_known ? &calls_[static_cast<std::size_t>(argument)] : nullptr;
  }
  std::size_t pending() const { return pending_; }

  void Ended(std::int64_t argument, absl::StatusOr<std::int64_t> result) {
    CallRecord& call = *Find(argument);
    if (call.ends++ == 0) --pending_;
    call.ended = world_.Now();
    call.result = std::move(result);
    world_.Trace("caller", [&] {
      return absl::StrCat("call ", argument, " ended: ", Words(call.result));
    });
    CheckEnd(argument, call);
  }

  // A request for it reaches the broker. A call that may have run is not sent
  // again: Work is not Idempotent.
  void Sent(std::int64_t argument, std::string_view message_id,
            absl::Duration budget) {
    CallRecord* const call = Find(argument);
    if (call == nullptr) return;
    const auto fail = [&](const char* what) {
      world_.Violate(absl::StrCat("call ", argument, " was sent ", what));
    };
    if (++call->sent == 1) call->message_id = message_id;
    if (call->sent > call->retry.max_attempts) fail("too often");
    if (call->message_id != message_id) fail("under two message ids");
    if (call->sent > 1 && message_id.empty()) fail("again without an id");
    if (call->sent > 1 && call->runs > 0) fail("again after it had run");
    // Budgets are rounded up to milliseconds.
    const absl::Duration most =
        absl::FromChrono(call->deadline.at() - call->begun);
    if (budget > most + absl::Milliseconds(1)) fail("with too much time");
  }

  // The next run is for the request of that id.
  void Runs(std::string_view correlation_id) { running_ = correlation_id; }

  void Ran(std::int64_t argument, Deadline deadline) {
    world_.Trace("handler",
                 [&] { return absl::StrCat("runs for call ", argument); });
    if (deadline.Expired(world_.Now())) {
      world_.Violate(
          absl::StrCat("call ", argument, " ran after its deadline"));
    }
    CallRecord* const call = Find(argument);
    if (call == nullptr) return;
    ++call->runs;
    const bool is_first = call->ran_for.insert(running_).second;
    if (runs_once_ && !is_first) {
      world_.Violate(
          absl::StrCat("a request of call ", argument, " ran twice"));
    }
    if (call->ran_for.size() > 1) {
      world_.Violate(absl::StrCat("two attempts at call ", argument, " ran"));
    }
    CheckRun(argument, *call);
  }

  // Its genuine reply reaches the client.
  void Answered(std::int64_t argument, bool with_result) {
    CallRecord* const call = Find(argument);
    if (call == nullptr || call->answered.has_value()) return;
    // An attempt's end need not be the call's.
    const bool may_go_on = call->retry.max_attempts > 1 &&
                           (!with_result || HasImpatientAttempts(*call));
    if (may_go_on) return;
    call->answered = world_.Now();
    call->answered_well = with_result;
  }

  // Nothing goes wrong in this run: who gives a call time enough, has an
  // answer.
  void ExpectAnswers() { expects_answers_ = true; }
  // Servers take requests at most once.
  void ExpectSingleRuns() { runs_once_ = true; }

  // When nothing will happen any more.
  void Check() {
    for (std::size_t i = 0; i < calls_.size(); ++i) {
      const CallRecord& call = calls_[i];
      const auto fail = [&](const char* what) {
        world_.Violate(absl::StrCat("call ", i, " ", what, "; it ended with ",
                                    Words(call.result)));
      };
      if (call.ends == 0) {
        fail("never ended");
        continue;
      }
      if (call.answered.has_value() && call.ended > *call.answered) {
        fail("did not end when its reply came");
      }
      if (HasImpatientAttempts(call)) continue;
      const bool expects_answer =
          call.is_probe || (expects_answers_ && !call.was_cancelled &&
                            call.deadline.at() - call.begun > kEnough);
      if (expects_answer && absl::IsDeadlineExceeded(call.result.status())) {
        fail("was lost, with nothing in its way");
      } else if (call.is_probe && !call.result.ok() && call.runs == 0 &&
                 !absl::IsResourceExhausted(call.result.status())) {
        // Calls without a deadline may still take all the room there is.
        fail("failed, with nothing in its way");
      }
    }
  }

  // What the handler makes of an argument.
  static absl::StatusOr<std::int64_t> Handle(std::int64_t argument) {
    switch (argument % 8) {
      case 5:
        return absl::NotFoundError("the handler found nothing");
      case 6:
        // As of a call of its own, which did not run: this one has.
        return NotRun(absl::UnavailableError("the handler's own call failed"));
      case 7:
        throw std::runtime_error("the handler fell over");
      default:
        return 1000 + 3 * argument;
    }
  }

 private:
  // The bound that is promised, and a tick of the wheel.
  static constexpr auto kLate =
      std::chrono::milliseconds(100) + core::DeadlineWheel::kTick;

  // No handler and no frame is slow in a run without faults.
  static constexpr auto kEnough = std::chrono::milliseconds(500);

  // They may end while the call has time.
  static bool HasImpatientAttempts(const CallRecord& call) {
    return call.retry.attempt_timeout < absl::InfiniteDuration();
  }

  void CheckEnd(std::int64_t argument, const CallRecord& call) {
    const auto fail = [&](const char* what) {
      world_.Violate(
          absl::StrCat("call ", argument, " ", what, ": ", Words(call.result)));
    };
    if (call.ends > 1) fail("ended twice");
    if (call.ended > call.deadline.at() + kLate) fail("ended too late");
    if (call.result.ok()) {
      const bool is_own = *call.result == 1000 + 3 * argument;
      if (!is_own) fail("got another's result");
      if (call.runs == 0) fail("succeeded without having run");
      return;
    }
    const absl::Status& status = call.result.status();
    if (call.answered_well) fail("failed, though its result had come");
    if (status.message().empty()) fail("ended without words");
    const TimePoint soonest =
        std::min(call.deadline.at(),
                 Deadline::After(call.retry.attempt_timeout, call.begun).at());
    if (absl::IsDeadlineExceeded(status) && world_.Now() < soonest) {
      fail("expired before its deadline");
    }
    if (absl::IsCancelled(status) && !call.was_cancelled) {
      fail("was cancelled by nobody");
    }
    CheckRun(argument, call);
  }

  void CheckRun(std::int64_t argument, const CallRecord& call) {
    if (call.ends == 0 || call.result.ok() || call.runs == 0) return;
    if (MayHaveRun(call.result.status())) return;
    world_.Violate(absl::StrCat(
        "call ", argument,
        " ran, and its status says that it did not: ", Words(call.result)));
  }

  World& world_;
  std::vector<CallRecord> calls_;
  std::size_t pending_ = 0;
  bool expects_answers_ = false;
  bool runs_once_ = false;
  std::string running_;
};

// The handler of every simulated server.
struct Work {
  using Method = rpc::Method<"work", std::int64_t(std::int64_t)>;

  absl::StatusOr<std::int64_t> operator()(const ServerContext& context,
                                          std::int64_t argument) const {
    ledger->Ran(argument, context.deadline);
    return Ledger::Handle(argument);
  }

  Ledger* ledger = nullptr;
};

}  // namespace rpc::simulation

#endif  // TESTS_SIMULATION_LEDGER_H_
