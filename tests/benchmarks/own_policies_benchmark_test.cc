#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/support/runfiles.h"
#include "tests/support/subprocess.h"

namespace rpc::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class OwnPoliciesBenchmark : public ::testing::Test {
 protected:
  OwnPoliciesBenchmark() {
    const std::string report = NewTestDirectory() + "/report.json";
    const Finished finished =
        RunToEnd({Runfile("examples/own_policies_benchmark"),
                  "--benchmark_min_time=0.0001", "--benchmark_out=" + report,
                  "--benchmark_out_format=json"});
    EXPECT_EQ(finished.exit_code, 0) << finished.output;
    benchmarks_ = nlohmann::json::parse(std::ifstream(report)).at("benchmarks");
  }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& each : benchmarks_) names.push_back(each.at("name"));
    return names;
  }

  nlohmann::json benchmarks_;
};

TEST_F(OwnPoliciesBenchmark, HasTheStandardSetOfEachPolicy) {
  EXPECT_THAT(
      Names(),
      ElementsAre("own_serializer/encode", "own_serializer/decode",
                  "own_serializer/direct", "own_serializer/memory/real_time",
                  "own_handler/handle", "own_handler/encode",
                  "own_handler/decode", "own_handler/direct",
                  "own_handler/memory/real_time",
                  "own_transport/call/real_time",
                  "own_transport/in_flight/256/real_time"));
}

TEST_F(OwnPoliciesBenchmark, MeasuresEachWithoutAnError) {
  for (const auto& each : benchmarks_) {
    EXPECT_THAT(each.value("error_message", ""), IsEmpty()) << each.at("name");
    EXPECT_GT(each.at("real_time").get<double>(), 0) << each.at("name");
    EXPECT_TRUE(each.contains("allocations")) << each.at("name");
  }
}

}  // namespace
}  // namespace rpc::testing
