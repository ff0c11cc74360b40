#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/runfiles.h"
#include "tests/support/subprocess.h"

// Runs the Python cases of the harness, which are unittest programs.
namespace rpc::testing {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;

Finished RunCases(const std::string& program) {
  const std::string path = "PYTHONPATH=" + Runfile("benchmarks");
  return RunToEnd({"env", path, "python3", "-B", program});
}

class Harness : public ::testing::TestWithParam<const char*> {};

TEST_P(Harness, KeepsItsCases) {
  const Finished finished = RunCases(
      Runfile("tests/benchmarks/" + std::string(GetParam()) + "_case.py"));
  EXPECT_EQ(finished.exit_code, 0) << finished.output;
  EXPECT_THAT(finished.output, ContainsRegex("Ran [1-9][0-9]* test"));
  EXPECT_THAT(finished.output, HasSubstr("\nOK"));
}

INSTANTIATE_TEST_SUITE_P(Of, Harness,
                         ::testing::Values("comparison", "contender", "report",
                                           "runner", "targets"),
                         [](const auto& each) {
                           return std::string(each.param);
                         });

}  // namespace
}  // namespace rpc::testing
