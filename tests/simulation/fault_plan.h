#ifndef TESTS_SIMULATION_FAULT_PLAN_H_
#define TESTS_SIMULATION_FAULT_PLAN_H_

#include <chrono>
#include <cstddef>
#include <iterator>
#include <vector>

#include "rpc/base/deadline.h"
#include "tests/simulation/random.h"

namespace rpc::simulation {

// What goes wrong at a time of its own.
enum class Fault {
  kCutWire,
  kFreezeWire,
  kCloseConnection,
  kCloseChannel,
  kStopFlow,
  kBlock,
  kDeleteQueue,
  kDeleteReplyQueue,
  kRestartBroker,
  kKillServer,
  kStopServer,
  kDestroyClient,
  kForgeRequest,
  kLast = kForgeRequest,
};

struct PlannedFault {
  Fault fault;
  Clock::duration at;
  // Of those that pass by themselves.
  Clock::duration lasts;
};

// What goes wrong in a run, drawn from its seed. Chances are in a thousand, of
// what stands in the name.
struct FaultPlan {
  bool is_empty = true;
  int wire_cut_before_a_frame = 0;
  int wire_cut_in_a_write = 0;
  int short_write = 0;
  int slow_frame = 0;
  int refused_dial = 0;
  int lost_reply = 0;
  int doubled_reply = 0;
  int late_reply = 0;
  int forged_reply = 0;
  int nack = 0;
  int slow_handler = 0;
  // The server dies at its so many-th step; 0: it does not.
  int fatal_step = 0;
  std::vector<PlannedFault> planned = {};
  // After the run's begin: when much happens at once.
  std::vector<Clock::duration> busy_moments = {};

  static FaultPlan Draw(Random& random) {
    FaultPlan plan;
    for (int moments = random.Between(1, 4); moments > 0; --moments) {
      plan.busy_moments.push_back(random.Between(Clock::duration(0), kBusyFor));
    }
    // Many faults at once hide one another, and none at all is a case, too.
    const int kinds = random.Between(0, 5);
    plan.is_empty = kinds == 0;
    for (int i = 0; i < kinds; ++i) {
      plan.AddOne(random);
    }
    return plan;
  }

  // When something happens, a call or a fault: in one of the busy moments, or
  // at any other.
  Clock::duration DrawTime(Random& random) {
    if (random.Chance(300)) return random.Between(Clock::duration(0), kBusyFor);
    return random.Pick(busy_moments) +
           random.Between(Clock::duration(0), std::chrono::milliseconds(2));
  }

  // From now on nothing goes wrong.
  void Calm() { *this = FaultPlan(); }

 private:
  static constexpr Clock::duration kBusyFor = std::chrono::milliseconds(2500);

  void AddOne(Random& random) {
    int* const chances[] = {&wire_cut_before_a_frame,
                            &wire_cut_in_a_write,
                            &short_write,
                            &slow_frame,
                            &refused_dial,
                            &lost_reply,
                            &doubled_reply,
                            &late_reply,
                            &forged_reply,
                            &nack,
                            &slow_handler,
                            &fatal_step};
    constexpr std::size_t kChances = std::size(chances);
    constexpr auto kFaults = static_cast<std::size_t>(Fault::kLast) + 1;
    const std::size_t kind = random.Below(kChances + kFaults);
    if (kind >= kChances) {
      return AddPlanned(random, static_cast<Fault>(kind - kChances));
    }
    const bool is_rare = chances[kind] == &wire_cut_before_a_frame ||
                         chances[kind] == &wire_cut_in_a_write ||
                         chances[kind] == &fatal_step;
    *chances[kind] = is_rare ? random.Between(1, 40) : random.Between(50, 500);
  }

  void AddPlanned(Random& random, Fault fault) {
    using std::chrono::milliseconds;
    for (int times = random.Between(1, 3); times > 0; --times) {
      planned.push_back(
          {fault, DrawTime(random),
           random.Chance(500)
               ? random.Between(milliseconds(1), milliseconds(100))
               : random.Between(milliseconds(100), milliseconds(3000))});
    }
  }
};

}  // namespace rpc::simulation

#endif  // TESTS_SIMULATION_FAULT_PLAN_H_
