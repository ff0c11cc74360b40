#include <algorithm>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/examples/program.h"
#include "tests/support/subprocess.h"

// What examples/run says before it installs, builds or starts anything.
namespace rpc::testing {
namespace {

using ::testing::HasSubstr;

TEST(ExamplesRun, HelpNamesEveryFlag) {
  const Finished help = RunExample("run", {"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* each : {"Usage: examples/run", "--broker URL",
                           "--broker memory", "--topology NAME", "N..."}) {
    EXPECT_THAT(help.output, HasSubstr(each));
  }
}

void ExpectMisuse(const std::vector<std::string>& arguments,
                  const std::string& reason) {
  const Finished finished = RunExample("run", arguments);
  EXPECT_EQ(finished.exit_code, 2) << finished.output;
  EXPECT_THAT(finished.output, HasSubstr(reason));
  EXPECT_THAT(finished.output, HasSubstr("see examples/run --help"));
  EXPECT_EQ(finished.output.find("secret"), std::string::npos);
  EXPECT_EQ(std::count(finished.output.begin(), finished.output.end(), '\n'), 1)
      << finished.output;
}

TEST(ExamplesRun, WrongUsageIsOneLineAndExitCodeTwo) {
  ExpectMisuse({"--colour"}, "unknown argument '--colour'");
  ExpectMisuse({"ninety"}, "unknown argument 'ninety'");
  ExpectMisuse({"-1"}, "unknown argument '-1'");
  ExpectMisuse({"amqp://me:secret@host/"}, "it may hold a password");
  ExpectMisuse({"--broker"}, "--broker needs a value");
  ExpectMisuse({"90", "--topology", ""}, "--topology needs a value");
}

}  // namespace
}  // namespace rpc::testing
