#ifndef TESTS_SIMULATION_RANDOM_H_
#define TESTS_SIMULATION_RANDOM_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "rpc/base/deadline.h"

namespace rpc::simulation {

// All chance of a simulated run, from its seed. SplitMix64, by Vigna.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t number = state_;
    number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9;
    number = (number ^ number >> 27) * 0x94d049bb133111eb;
    return number ^ number >> 31;
  }

  // Less than `end`, which is not 0.
  std::size_t Below(std::size_t end) {
    return static_cast<std::size_t>(Next() % end);
  }
  int Between(int least, int most) {
    return least +
           static_cast<int>(Below(static_cast<std::size_t>(most - least + 1)));
  }
  Clock::duration Between(Clock::duration least, Clock::duration most) {
    return least + Clock::duration(static_cast<Clock::rep>(Below(
                       static_cast<std::size_t>((most - least).count()) + 1)));
  }

  // `in_thousand` may be 0: then never, and nothing is drawn.
  bool Chance(int in_thousand) {
    return in_thousand > 0 && Between(1, 1000) <= in_thousand;
  }

  template <typename T>
  T& Pick(std::vector<T>& from) {
    return from[Below(from.size())];
  }

 private:
  std::uint64_t state_;
};

}  // namespace rpc::simulation

#endif  // TESTS_SIMULATION_RANDOM_H_
