#include <cstdint>
#include <iostream>

#include "gtest/gtest.h"
#include "tests/simulation/memory_setting.h"
#include "tests/simulation/rabbitmq_setting.h"
#include "tests/simulation/scenario.h"
#include "tests/simulation/world.h"

namespace rpc::simulation {
namespace {

constexpr std::uint64_t kSeeds = 10'000;

// Compiled with a header of the library that has a bug, and told the setting;
// see mutation_test.bzl.
TEST(Mutation, TurnsASeedRed) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Scenario<SETTING> scenario(seed, Tracing::kOff);
    scenario.Run();
    if (scenario.world().violations().empty()) continue;
    std::cout << "seed " << seed << ": "
              << scenario.world().violations().front() << "\n";
    return;
  }
  FAIL() << "all " << kSeeds << " seeds are green";
}

}  // namespace
}  // namespace rpc::simulation
