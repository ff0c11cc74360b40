#ifndef RPC_TESTS_FAULTS_CHAOS_BOOK_H_
#define RPC_TESTS_FAULTS_CHAOS_BOOK_H_

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/message/method.h"
#include "tests/faults/marks.h"
#include "tests/faults/paced_client.h"

namespace rpc::testing {

// Whether a client is there in every window, and so has to be served again
// after each fault.
enum class Stay { kLasting, kPassing };

// Whether a server may get a request that another had.
enum class Redelivery { kTold, kNever };

struct ChaosClientEntry {
  std::string name = {};
  Idempotent idempotent = Idempotent::kNo;
  Redelivery redelivery = Redelivery::kTold;
  Stay stay = Stay::kLasting;
};

// A call that was made.
struct ChaosCall {
  // No other call has it.
  std::uint64_t argument = 0;
  TimePoint begun = {};
  absl::Duration timeout = {};
};

// What was written of one window.
struct ChaosPage {
  // Of the calls made while the fault lasted, and of those made after it.
  CallLedger fault, calm;
  // The most that one of them ended after its deadline; which, and how.
  absl::Duration latest() const { return std::max(fault.latest, calm.latest); }
  std::string latest_of = {};
  // From the calm to the first answer to a call made since, of the client that
  // waited longest.
  absl::Duration back = absl::ZeroDuration();
  // From the calm to when the last call was made that failed and had more than
  // a second.
  absl::Duration last_failure = -absl::InfiniteDuration();
  std::string last_failure_of = {};
  // The most that something else than a call took beyond its limit, and what.
  absl::Duration overrun = -absl::InfiniteDuration();
  std::string overrun_of = {};
  // What must not be, the first of them in words.
  int violations = 0;
  std::vector<std::string> words = {};
};

// Accounts for every call of a chaos run, window after window: a window begins,
// calls are made, the fault ends, and calls are made until the window ends and
// all of them have ended. Thread-safe.
class ChaosBook {
 public:
  // The last bits of an argument say whose call it is.
  static constexpr std::uint64_t kMostClients = 32;
  static constexpr absl::Duration kTimeouts[] = {
      absl::Milliseconds(300), absl::Milliseconds(700),
      absl::Milliseconds(1500), absl::Seconds(3)};
  static constexpr absl::Duration kLongestTimeout = absl::Seconds(3);
  static constexpr int kAnswers = 10;

  // Before the first window. Returns the client's number.
  std::size_t Add(ChaosClientEntry client) {
    const std::lock_guard lock(mutex_);
    clients_.push_back(std::move(client));
    return clients_.size() - 1;
  }

  // No client stays from now on.
  void Dismiss() {
    const std::lock_guard lock(mutex_);
    for (ChaosClientEntry& client : clients_) client.stay = Stay::kPassing;
  }

  void BeginWindow() {
    const std::lock_guard lock(mutex_);
    page_ = {};
    last_not_run_ = std::exchange(not_run_, {});
    answered_.clear();
    answers_.assign(clients_.size(), 0);
    calm_.reset();
    is_open_ = true;
  }
  // The fault is over.
  void Calm() {
    const std::lock_guard lock(mutex_);
    calm_ = Clock::now();
  }
  // Until each lasting client got kAnswers to calls made in the calm.
  bool WaitForAnswers(absl::Duration patience) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, absl::ToChronoNanoseconds(patience),
                             [&] { return AllAreAnswered(); });
  }
  // Lets no more calls be made. False if those under way have not ended in
  // time.
  bool EndWindow(absl::Duration patience) {
    std::unique_lock lock(mutex_);
    is_open_ = false;
    return changed_.wait_for(lock, absl::ToChronoNanoseconds(patience),
                             [&] { return under_way_ == 0; });
  }

  // Nothing if no call is to be made now.
  std::optional<ChaosCall> Begin(std::size_t client) {
    const std::lock_guard lock(mutex_);
    if (!is_open_) return std::nullopt;
    ++under_way_;
    const std::uint64_t number = next_++;
    return ChaosCall{.argument = number * kMostClients + client,
                     .begun = Clock::now(),
                     .timeout = kTimeouts[number % std::size(kTimeouts)]};
  }

  // `endings` is how often this call has ended by now.
  void End(const ChaosCall& call, int endings,
           const absl::StatusOr<std::uint64_t>& value) {
    const TimePoint now = Clock::now();
    const std::lock_guard lock(mutex_);
    if (endings != 1) {
      return Violate(absl::StrCat(Whose(call.argument), " ended again"));
    }
    const bool in_calm = calm_.has_value() && call.begun >= *calm_;
    CallLedger& ledger = in_calm ? page_.calm : page_.fault;
    ++ledger.calls;
    const absl::Duration late =
        absl::FromChrono(now - call.begun) - call.timeout;
    if (late > page_.latest()) {
      page_.latest_of =
          absl::StrCat(Whose(call.argument), ", ",
                       absl::StatusCodeToString(value.status().code()));
    }
    ledger.latest = std::max(ledger.latest, late);
    if (value.ok()) {
      Answered(call, *value, in_calm, now, ledger);
    } else {
      Failed(call, value.status(), in_calm, ledger);
    }
    // Nobody is woken in vain: that would take the time which is measured.
    if (--under_way_ == 0 && !is_open_) changed_.notify_all();
  }

  // What servers have run since this was asked last: all that was answered in
  // this window, nothing of a call that did not run, now or in the last window,
  // and nothing twice as if for the first time.
  void CheckMarks(const std::vector<Mark>& marks) {
    const std::lock_guard lock(mutex_);
    std::unordered_set<std::uint64_t> first_runs;
    for (const Mark& mark : marks) {
      answered_.erase(mark.argument);
      if (not_run_.count(mark.argument) + last_not_run_.count(mark.argument)) {
        Violate(absl::StrCat(Whose(mark.argument),
                             " was said not to have run, and ran"));
      }
      const ChaosClientEntry& client = clients_[mark.argument % kMostClients];
      const bool is_told =
          mark.redelivered && client.redelivery == Redelivery::kTold;
      if (is_told || first_runs.insert(mark.argument).second) continue;
      if (client.idempotent == Idempotent::kNo) {
        Violate(absl::StrCat(Whose(mark.argument), " ran twice",
                             mark.redelivered ? "" : ", untold"));
      }
    }
    for (const std::uint64_t argument : answered_) {
      Violate(
          absl::StrCat(Whose(argument), " was answered, and nobody ran it"));
    }
  }

  // Something else that must not be.
  void Check(bool holds, const std::string& otherwise) {
    const std::lock_guard lock(mutex_);
    if (!holds) Violate(otherwise);
  }

  // Something took so long that has a limit.
  void Time(const std::string& what, absl::Duration took,
            absl::Duration limit) {
    const std::lock_guard lock(mutex_);
    if (took - limit <= page_.overrun) return;
    page_.overrun = took - limit;
    page_.overrun_of = what;
  }

  ChaosPage page() const {
    const std::lock_guard lock(mutex_);
    return page_;
  }
  std::uint64_t calls() const {
    const std::lock_guard lock(mutex_);
    return next_;
  }

 private:
  void Answered(const ChaosCall& call, std::uint64_t value, bool in_calm,
                TimePoint now, CallLedger& ledger) {
    ++ledger.ok;
    answered_.insert(call.argument);
    if (value / 2 != call.argument) {
      ++ledger.wrong;
      Violate(absl::StrCat(Whose(call.argument), " got the result of ",
                           Whose(value / 2)));
    }
    const std::size_t client = call.argument % kMostClients;
    if (!in_calm || clients_[client].stay == Stay::kPassing) return;
    const int answers = ++answers_[client];
    if (answers == 1) {
      page_.back = std::max(page_.back, absl::FromChrono(now - *calm_));
    }
    if (answers == kAnswers && AllAreAnswered()) changed_.notify_all();
  }

  bool AllAreAnswered() const {
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      if (clients_[i].stay == Stay::kLasting && answers_[i] < kAnswers) {
        return false;
      }
    }
    return true;
  }

  void Failed(const ChaosCall& call, const absl::Status& status, bool in_calm,
              CallLedger& ledger) {
    ++ledger.failed[status.code()];
    if (!MayHaveRun(status)) {
      ++ledger.failed_and_not_run;
      not_run_.insert(call.argument);
    }
    const bool is_shut_down =
        clients_[call.argument % kMostClients].stay == Stay::kPassing;
    if (absl::IsCancelled(status) && !is_shut_down) {
      Violate(absl::StrCat(Whose(call.argument), ": ", status.ToString()));
    }
    if (in_calm && call.timeout > absl::Seconds(1) && !is_shut_down) {
      const absl::Duration made = absl::FromChrono(call.begun - *calm_);
      if (made > page_.last_failure) {
        page_.last_failure = made;
        page_.last_failure_of =
            absl::StrCat(Whose(call.argument), ", ", status.ToString());
      }
    }
  }

  std::string Whose(std::uint64_t argument) const {
    const std::size_t client = argument % kMostClients;
    return absl::StrCat("call ", argument, " of ",
                        client < clients_.size() ? clients_[client].name
                                                 : std::string("nobody"));
  }
  void Violate(std::string what) {
    constexpr int kInWords = 20;
    if (++page_.violations <= kInWords) page_.words.push_back(std::move(what));
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ChaosClientEntry> clients_;
  std::uint64_t next_ = 0;
  bool is_open_ = false;
  std::size_t under_way_ = 0;
  std::optional<TimePoint> calm_;
  ChaosPage page_;
  std::vector<int> answers_;  // in the calm, by client
  std::unordered_set<std::uint64_t> answered_;
  // Arguments of this window's calls and of the last one's.
  std::unordered_set<std::uint64_t> not_run_, last_not_run_;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_FAULTS_CHAOS_BOOK_H_
