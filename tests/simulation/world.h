#ifndef TESTS_SIMULATION_WORLD_H_
#define TESTS_SIMULATION_WORLD_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "tests/simulation/kernel.h"
#include "tests/simulation/random.h"

namespace rpc::simulation {

enum class Tracing { kOff, kOn };

// The clock, the scheduler and the chance of one simulated run. All that
// happens is an event at a time; of those that are due at once, chance says
// which comes first. One thread.
class World {
 public:
  World(std::uint64_t seed, Tracing tracing)
      : seed_(seed),
        tracing_(tracing),
        random_(seed),
        kernel_(random_.Next(), [this] { LetOthersRun(); }) {}
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  TimePoint Now() const { return clock_now_ ? clock_now_() : now_; }
  Random& random() { return random_; }

  void At(TimePoint at, std::function<void()> event) {
    events_.push_back({std::max(at, Now()), random_.Next(), std::move(event)});
    std::push_heap(events_.begin(), events_.end());
  }
  void After(Clock::duration pause, std::function<void()> event) {
    At(Now() + pause, std::move(event));
  }

  // The next event. False if there is none left, or there were too many.
  bool Step() {
    if (events_.empty() || steps_ > kMostSteps) return false;
    if (++steps_ == kMostSteps) Violate("the world does not come to rest");
    while (!Reach(events_.front().at)) {
    }
    std::pop_heap(events_.begin(), events_.end());
    const Event event = std::move(events_.back());
    events_.pop_back();
    event.run();
    if (after_step_) after_step_();
    return true;
  }

  // Until `done`, but no longer than `end`.
  template <typename Done>
  void RunUntil(TimePoint end, Done done) {
    do {
      while (!done() && !events_.empty() && events_.front().at <= end &&
             Step()) {
      }
    } while (!done() && !Reach(end));
  }
  void RunUntil(TimePoint end) {
    RunUntil(end, [] { return false; });
  }

  // As a thread of the world that waits until `done`: others run meanwhile.
  template <typename Done>
  void WaitUntil(Done done) {
    while (!done()) LetOthersRun();
  }

  // Somebody else keeps the time, knows when something happens next, and is
  // told how far to go; what happens on the way there, happens.
  void set_clock(std::function<TimePoint()> now,
                 std::function<TimePoint()> next,
                 std::function<void(TimePoint)> advance) {
    clock_now_ = std::move(now);
    clock_next_ = std::move(next);
    clock_advance_ = std::move(advance);
  }

  // A thread waits already: another one that may wait has to come later.
  bool waits() const { return waits_; }
  void set_waits(bool waits) { waits_ = waits; }

  void set_after_step(std::function<void()> check) {
    after_step_ = std::move(check);
  }

  // `line()` is only asked for if somebody reads it.
  template <typename Line>
  void Trace(std::string_view who, Line line) {
    if (tracing_ == Tracing::kOff) return;
    const auto microseconds =
        std::chrono::duration_cast<std::chrono::nanoseconds>(Now() - kBegin)
            .count() /
        1000;
    trace_.push_back(absl::StrCat(microseconds, " us ", ToAbsl(who), ": ",
                                  ToAbsl(std::string_view(line()))));
  }
  const std::vector<std::string>& trace() const { return trace_; }

  void Violate(std::string text) {
    Trace("VIOLATION", [&] { return text; });
    violations_.push_back(std::move(text));
  }
  const std::vector<std::string>& violations() const { return violations_; }
  std::size_t steps() const { return steps_; }

  static constexpr TimePoint kBegin = TimePoint(std::chrono::hours(1));

 private:
  static constexpr std::size_t kMostSteps = 100'000;

  struct Event {
    TimePoint at;
    std::uint64_t tie;
    std::function<void()> run;

    // The heap's front is the greatest.
    friend bool operator<(const Event& a, const Event& b) {
      return a.at != b.at ? a.at > b.at : a.tie > b.tie;
    }
  };

  // False, and the time is earlier: something happened on the way after which
  // there is an event before `to`.
  bool Reach(TimePoint to) {
    while (clock_next_ && clock_next_() < to) {
      clock_advance_(clock_next_());
      if (!events_.empty() && events_.front().at < to) return false;
    }
    now_ = std::max(now_, to);
    if (clock_advance_) clock_advance_(now_);
    return true;
  }

  void LetOthersRun() {
    if (Step()) return;
    // Nobody can wake the waiting thread, which cannot be thrown out of its
    // wait either.
    for (const auto* lines : {&trace_, &violations_}) {
      for (const std::string& line : *lines) {
        std::fprintf(stderr, "%s\n", line.c_str());
      }
    }
    std::fprintf(stderr, "seed %llu: a thread waits for ever\n",
                 static_cast<unsigned long long>(seed_));
    std::abort();
  }

  const std::uint64_t seed_;
  const Tracing tracing_;
  Random random_;
  Kernel kernel_;
  TimePoint now_ = kBegin;
  std::function<TimePoint()> clock_now_;
  std::function<TimePoint()> clock_next_;
  std::function<void(TimePoint)> clock_advance_;
  std::vector<Event> events_;
  std::size_t steps_ = 0;
  bool waits_ = false;
  std::function<void()> after_step_;
  std::vector<std::string> trace_;
  std::vector<std::string> violations_;
};

}  // namespace rpc::simulation

#endif  // TESTS_SIMULATION_WORLD_H_
