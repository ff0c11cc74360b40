#ifndef RPC_TESTS_FAULTS_CHAOS_RUN_H_
#define RPC_TESTS_FAULTS_CHAOS_RUN_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "rpc/base/deadline.h"
#include "tests/faults/chaos_book.h"
#include "tests/faults/chaos_faults.h"
#include "tests/faults/chaos_servers.h"
#include "tests/faults/chaos_world.h"
#include "tests/faults/marks.h"
#include "tests/faults/stall_witness.h"

namespace rpc::testing {

// What a chaos run, or a part of it, came to.
struct ChaosResult {
  int windows = 0;
  CallLedger calls = {};
  absl::Duration back = absl::ZeroDuration();
  int violations = 0;

  void Add(const ChaosPage& page) {
    ++windows;
    calls.Add(page.fault);
    calls.Add(page.calm);
    back = std::max(back, page.back);
    violations += page.violations;
  }
};

// As in "OK 12, UNAVAILABLE 3, 2 of them not run".
inline std::string Endings(const CallLedger& calls) {
  std::string text = absl::StrCat("OK ", calls.ok);
  for (const auto& [code, count] : calls.failed) {
    absl::StrAppend(&text, ", ", absl::StatusCodeToString(code), " ", count);
  }
  if (calls.failed_and_not_run > 0) {
    absl::StrAppend(&text, ", ", calls.failed_and_not_run, " not run");
  }
  return text;
}

// Window after window of faults, of which each is followed by a calm and an
// account of all that happened. Leaves a line for each window.
// Thread-compatible.
class ChaosRun {
 public:
  // All outlive it; `log` is what the servers of the world mark.
  ChaosRun(std::uint64_t seed, ChaosWorld* world, ChaosBook* book,
           MarkReader* log, std::ostream* out)
      : seed_(seed),
        faults_(world),
        world_(*world),
        servers_(world->servers()),
        book_(*book),
        log_(*log),
        out_(*out) {}

  void Window() {
    const int number = all_.windows + 1;
    // Of the window's number, so that no time that passes changes what follows.
    ChaosRandom random(seed_ * 1'000'003 + static_cast<std::uint64_t>(number));
    const std::vector<ChaosFault> faults = faults_.Draw(random);
    const absl::Duration lasts =
        random.Between(absl::Milliseconds(200), absl::Seconds(4));
    const bool is_long = random.OneIn(4);
    absl::Duration bound;
    for (const ChaosFault& fault : faults) bound = std::max(bound, fault.bound);

    BeginWindow();
    for (const ChaosFault& fault : faults) fault.begin();
    std::this_thread::sleep_for(absl::ToChronoNanoseconds(lasts));
    for (auto fault = faults.rbegin(); fault != faults.rend(); ++fault) {
      fault->end();
    }
    Calm(bound, is_long);
    Settle(bound);
    Report(number, faults, bound);
  }

  // The last window: clients end in the middle of their calls, then servers.
  void End() {
    book_.Dismiss();
    BeginWindow();
    world_.EndClients();
    book_.Check(book_.EndWindow(absl::ZeroDuration()), "calls have no end");
    world_.servers().TerminateAll();
    book_.CheckMarks(log_.ReadNew());
    CheckTimes(absl::ZeroDuration());
    Report(all_.windows + 1, {{.name = "the end"}}, absl::ZeroDuration());
  }

  const ChaosResult& all() const { return all_; }

  void PrintTable() const {
    out_ << absl::StrFormat("%-40s %7s %8s %7s %8s  %s\n", "fault", "windows",
                            "calls", "back/s", "late/ms", "calls ended");
    for (const auto& [name, result] : by_fault_) PrintRow(name, result);
    PrintRow("all", all_);
  }

 private:
  static constexpr absl::Duration kWarm = absl::Milliseconds(100);

  // Returns when calls are under way.
  void BeginWindow() {
    witness_.Restart();
    book_.BeginWindow();
    std::this_thread::sleep_for(absl::ToChronoNanoseconds(kWarm));
  }

  void Calm(absl::Duration bound, bool is_long) {
    const TimePoint begun = Clock::now();
    book_.Calm();
    book_.Check(book_.WaitForAnswers(bound + ChaosBook::kLongestTimeout),
                "a client gets no answers");
    AwaitServers(begun, bound);
    // Long enough for calls that are made after the bound.
    if (!is_long) return;
    std::this_thread::sleep_until(
        begun + absl::ToChronoNanoseconds(bound + absl::Seconds(1)));
  }

  // They take requests, and nobody who is gone does so to the broker's
  // knowledge.
  void AwaitServers(TimePoint calm, absl::Duration bound) {
    for (const ChaosQueue queue : kChaosQueues) {
      const std::size_t all = ChaosServers::CountOf(queue);
      std::size_t there = 0;
      do {
        there = servers_.LookAt(queue).consumers;
        servers_back_ = absl::FromChrono(Clock::now() - calm);
      } while (there != all && servers_back_ < bound + witness_.added());
      book_.Check(there == all,
                  absl::StrCat(there, " of ", all, " servers of queue ", queue,
                               " take requests"));
    }
  }

  // All calls of the window end, and so does all that is left of them.
  void Settle(absl::Duration bound) {
    book_.Check(book_.EndWindow(ChaosBook::kLongestTimeout + absl::Seconds(1) +
                                witness_.added()),
                "calls do not end");
    const TimePoint begun = Clock::now();
    for (const ChaosQueue queue : kChaosQueues) {
      std::size_t depth = 0;
      do {
        depth = servers_.LookAt(queue).depth;
      } while (depth != 0 && absl::FromChrono(Clock::now() - begun) <
                                 ChaosBook::kLongestTimeout);
      book_.Check(depth == 0,
                  absl::StrCat(depth, " requests are left in queue ", queue));
    }
    book_.CheckMarks(log_.ReadNew());
    CheckTimes(bound);
  }

  void CheckTimes(absl::Duration bound) {
    const ChaosPage page = book_.page();
    const absl::Duration stall = witness_.added();
    const absl::Duration latest = page.latest();
    const std::string of_which = absl::StrCat(
        ", of which the machine may have added ", absl::FormatDuration(stall));
    book_.Check(
        latest <= absl::Milliseconds(100) + stall,
        absl::StrCat(page.latest_of, ", ended ", absl::FormatDuration(latest),
                     " after its deadline", of_which));
    book_.Check(page.overrun <= absl::Milliseconds(100) + stall,
                absl::StrCat(page.overrun_of, " took ",
                             absl::FormatDuration(page.overrun),
                             " more than it may", of_which));
    book_.Check(page.back <= bound + stall,
                absl::StrCat("answered after ", absl::FormatDuration(page.back),
                             of_which));
    book_.Check(
        page.last_failure <= bound + stall,
        absl::StrCat("a call failed that was made ",
                     absl::FormatDuration(page.last_failure),
                     " after the fault: ", page.last_failure_of, of_which));
  }

  void Report(int number, const std::vector<ChaosFault>& faults,
              absl::Duration bound) {
    const ChaosPage page = book_.page();
    all_.Add(page);
    std::vector<std::string> names;
    for (const ChaosFault& fault : faults) {
      names.push_back(fault.name);
      by_fault_[fault.name].Add(page);
    }
    CallLedger calls = page.fault;
    calls.Add(page.calm);
    out_ << absl::StrFormat(
        "window %d: %s | %d calls: %s | late %.0f ms, machine %.0f ms | back "
        "%.2f s, servers %.2f s, of %.0f s\n",
        number, absl::StrJoin(names, " + "), calls.calls, Endings(calls),
        absl::ToDoubleMilliseconds(calls.latest),
        absl::ToDoubleMilliseconds(witness_.longest()),
        absl::ToDoubleSeconds(page.back), absl::ToDoubleSeconds(servers_back_),
        absl::ToDoubleSeconds(bound));
    for (const std::string& violation : page.words) {
      out_ << "VIOLATION in window " << number << " of seed " << seed_ << ": "
           << violation << "\n";
    }
    out_.flush();
  }

  void PrintRow(const std::string& name, const ChaosResult& result) const {
    out_ << absl::StrFormat(
        "%-40s %7d %8d %7.2f %8.0f  %s%s\n", name, result.windows,
        result.calls.calls, absl::ToDoubleSeconds(result.back),
        absl::ToDoubleMilliseconds(result.calls.latest), Endings(result.calls),
        result.violations == 0
            ? std::string()
            : absl::StrCat("; VIOLATIONS: ", result.violations));
  }

  const std::uint64_t seed_;
  ChaosFaults faults_;
  ChaosWorld& world_;
  const ChaosServers& servers_;
  ChaosBook& book_;
  MarkReader& log_;
  std::ostream& out_;
  StallWitness witness_;
  absl::Duration servers_back_;
  ChaosResult all_;
  std::map<std::string, ChaosResult> by_fault_;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_FAULTS_CHAOS_RUN_H_
