#include <cstdint>
#include <iostream>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/simulation/memory_setting.h"
#include "tests/simulation/rabbitmq_setting.h"
#include "tests/simulation/scenario.h"
#include "tests/simulation/world.h"
#include "tests/support/figure.h"

namespace rpc::simulation {
namespace {

using ::testing::IsEmpty;

// With --seeds N another number.
std::uint64_t seeds = 10'000;
// With --seed N: the one to replay, with its trace.
std::uint64_t only_seed = 0;

template <typename Setting>
std::vector<std::string> TraceOf(std::uint64_t seed) {
  Scenario<Setting> scenario(seed, Tracing::kOn);
  scenario.Run();
  return scenario.world().trace();
}

template <typename Setting>
void Replay(std::uint64_t seed) {
  Scenario<Setting> scenario(seed, Tracing::kOn);
  scenario.Run();
  for (const std::string& line : scenario.world().trace()) {
    std::cout << line << "\n";
  }
  EXPECT_THAT(scenario.world().violations(), IsEmpty());
}

template <typename Setting>
class Simulation : public ::testing::Test {};
using Settings = ::testing::Types<RabbitMqSetting, MemorySetting>;
TYPED_TEST_SUITE(Simulation, Settings);

TYPED_TEST(Simulation, KeepsEveryPromiseWhateverHappens) {
  if (only_seed != 0) return Replay<TypeParam>(only_seed);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Scenario<TypeParam> scenario(seed, Tracing::kOff);
    scenario.Run();
    ASSERT_THAT(scenario.world().violations(), IsEmpty())
        << "seed " << seed << "; replay it with --seed " << seed;
  }
  testing::RecordFigure(
      absl::StrCat(
          "seeds of the simulation, ",
          std::is_same_v<TypeParam, MemorySetting> ? "Memory" : "RabbitMQ"),
      absl::StrCat(seeds), "10,000 in each run");
}

TYPED_TEST(Simulation, SameSeedSameTrace) {
  if (only_seed != 0) return;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const std::vector<std::string> trace = TraceOf<TypeParam>(seed);
    ASSERT_GT(trace.size(), 5u);
    ASSERT_EQ(TraceOf<TypeParam>(seed), trace) << "seed " << seed;
    ASSERT_NE(TraceOf<TypeParam>(seed + 1), trace) << "seed " << seed;
  }
}

}  // namespace
}  // namespace rpc::simulation

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; i += 2) {
    const std::string flag = argv[i];
    if (flag != "--seed" && flag != "--seeds") return 2;
    std::uint64_t* const value = flag == "--seed" ? &rpc::simulation::only_seed
                                                  : &rpc::simulation::seeds;
    if (i + 1 == argc || !absl::SimpleAtoi(argv[i + 1], value)) return 2;
  }
  return RUN_ALL_TESTS();
}
