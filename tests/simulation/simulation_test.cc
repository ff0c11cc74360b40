#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "gtest/gtest.h"
#include "tests/simulation/rabbitmq_scenario.h"
#include "tests/simulation/world.h"

namespace rpc::simulation {
namespace {

constexpr std::uint64_t kSeeds = 10'000;

// With --seed N: the one to replay, with its trace.
std::uint64_t only_seed = 0;

template <typename Scenario>
std::vector<std::string> TraceOf(std::uint64_t seed) {
  Scenario scenario(seed, Tracing::kOn);
  scenario.Run();
  return scenario.world().trace();
}

// False: the run was red.
template <typename Scenario>
bool Replay(std::uint64_t seed) {
  Scenario scenario(seed, Tracing::kOn);
  scenario.Run();
  for (const std::string& line : scenario.world().trace()) {
    std::cout << line << "\n";
  }
  std::cout << scenario.world().steps() << " steps\n";
  for (const std::string& violation : scenario.world().violations()) {
    ADD_FAILURE() << "seed " << seed << ": " << violation;
  }
  return scenario.world().violations().empty();
}

template <typename Scenario>
void RunAll() {
  if (only_seed != 0) return void(Replay<Scenario>(only_seed));
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Scenario scenario(seed, Tracing::kOff);
    scenario.Run();
    for (const std::string& violation : scenario.world().violations()) {
      ADD_FAILURE() << "seed " << seed << ": " << violation
                    << "; replay it with --seed " << seed;
    }
    if (::testing::Test::HasFailure()) return;
  }
}

TEST(Simulation, RabbitMqKeepsEveryPromise) { RunAll<RabbitMqScenario>(); }

}  // namespace
}  // namespace rpc::simulation

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::string(argv[i]) != "--seed") continue;
    if (!absl::SimpleAtoi(argv[i + 1], &rpc::simulation::only_seed)) return 2;
  }
  return RUN_ALL_TESTS();
}
