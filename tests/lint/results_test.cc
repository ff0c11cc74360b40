#include <fstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/runfiles.h"
#include "tests/support/subprocess.h"

// tests/results, on which the last lines of tests/run rely.
namespace rpc::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

// What Bazel writes about a run of tests, one event a line.
class Events {
 public:
  Events& Configured(const std::string& label, const std::string& tags) {
    text_ += R"({"id":{"targetConfigured":{"label":")" + label +
             R"("}},"configured":{"targetKind":"cc_test rule","tag":[)" + tags +
             "]}}\n";
    return *this;
  }

  Events& Completed(const std::string& label, const std::string& success) {
    text_ += R"({"id":{"targetCompleted":{"label":")" + label +
             R"("}},"completed":{"success":)" + success + "}}\n";
    return *this;
  }

  // `cases`: what stands between <testsuite> and its end; no report if empty.
  Events& Ran(const std::string& label, const std::string& status,
              const std::string& cases) {
    text_ += R"({"id":{"testResult":{"label":")" + label +
             R"(","run":1}},"testResult":{"status":")" + status + "\"";
    if (!cases.empty()) {
      text_ += R"(,"testActionOutput":[{"name":"test.xml","uri":"file://)" +
               Report(cases) + "\"}]";
    }
    text_ += "}}\n";
    return *this;
  }

  Finished Count() const { return Read("count"); }
  Finished Tables() const { return Read("tables"); }

 private:
  Finished Read(const std::string& command) const {
    const std::string path = directory_ + "/events.json";
    std::ofstream(path) << text_;
    return RunToEnd(
        {"/usr/bin/python3", "-B", Runfile("tests/results"), command, path});
  }

  std::string Report(const std::string& cases) {
    const std::string path =
        directory_ + "/" + std::to_string(reports_++) + ".xml";
    std::ofstream(path) << "<testsuites><testsuite>" << cases
                        << "</testsuite></testsuites>";
    return path;
  }

  const std::string directory_ = NewTestDirectory();
  int reports_ = 0;
  std::string text_;
};

constexpr char kPassed[] = R"(<testcase name="a" status="run"/>)";
constexpr char kFailed[] =
    R"(<testcase name="b" status="run"><failure message="no"/></testcase>)";
constexpr char kSkipped[] =
    R"(<testcase name="c" status="run" result="skipped"/>)";
constexpr char kDisabled[] = R"(<testcase name="d" status="notrun"/>)";

TEST(Results, CountsCasesByOutcomeAndTag) {
  const Finished counted =
      Events()
          .Configured("//a:plain", "")
          .Configured("//a:real", R"("core","broker")")
          .Configured("//a:pika", R"("pika","broker")")
          .Ran("//a:plain", "PASSED",
               std::string(kPassed) + kPassed + kSkipped + kDisabled)
          .Ran("//a:real", "PASSED", std::string(kPassed) + kPassed)
          .Ran("//a:pika", "PASSED", kPassed)
          .Count();
  EXPECT_EQ(counted.exit_code, 0);
  EXPECT_EQ(counted.output, "7 5 0 2 3 1\n");
}

TEST(Results, AFailedCaseIsCountedAndNamed) {
  const Finished counted =
      Events()
          .Configured("//a:plain", "")
          .Ran("//a:plain", "FAILED", std::string(kPassed) + kFailed)
          .Count();
  EXPECT_THAT(counted.output, HasSubstr("failed: //a:plain (FAILED)\n"));
  EXPECT_THAT(counted.output, HasSubstr("2 1 1 0 0 0\n"));
}

TEST(Results, ATestThatEndsWithoutAFailedCaseIsAFailure) {
  const Finished counted = Events()
                               .Configured("//a:crashed", "")
                               .Configured("//a:late", "")
                               .Ran("//a:crashed", "FAILED", "")
                               .Ran("//a:late", "TIMEOUT", kPassed)
                               .Count();
  EXPECT_THAT(counted.output, HasSubstr("3 1 2 0 0 0\n"));
}

TEST(Results, ATestThatDoesNotBuildIsAFailure) {
  const Finished counted = Events()
                               .Configured("//a:broken", R"("broker")")
                               .Completed("//a:broken", "false")
                               .Count();
  EXPECT_THAT(counted.output, HasSubstr("1 0 1 0 1 0\n"));
}

TEST(Results, WhatTestsRecordedIsPrintedAsTablesInOrder) {
  const auto property = [](const std::string& name, const std::string& value) {
    return R"(<testcase name="a"><properties><property name=")" + name +
           R"(" value=")" + value + R"("/></properties></testcase>)";
  };
  const Finished both =
      Events()
          .Ran("//a:late", "PASSED", property("row_10_000", "ten"))
          .Ran("//a:early", "PASSED",
               property("row_02_000", "two") + property("other", "none"))
          .Ran("//a:memory", "PASSED", property("figure_memory", "5 MB"))
          .Tables();
  EXPECT_EQ(both.exit_code, 0);
  EXPECT_THAT(both.output, MatchesRegex("row +fault .*\ntwo\nten\n\n"
                                        "figure +measured .*\n5 MB\n\n"));
  const Finished none = Events()
                            .Ran("//a:early", "PASSED", kPassed)
                            .Ran("//a:b", "FAILED", "")
                            .Tables();
  EXPECT_EQ(none.exit_code, 0);
  EXPECT_EQ(none.output, "");
}

TEST(Results, MisuseIsTold) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{}, {"count"}, {"sum", "file"}}) {
    std::vector<std::string> command = {"/usr/bin/python3", "-B",
                                        Runfile("tests/results")};
    command.insert(command.end(), words.begin(), words.end());
    const Finished misused = RunToEnd(command);
    EXPECT_EQ(misused.exit_code, 1);
    EXPECT_THAT(misused.output, HasSubstr("see results --help"));
  }
}

TEST(TestsRun, HelpAndMisuseTouchNothing) {
  const std::string script = Runfile("tests/run");
  const Finished help = RunToEnd({script, "--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.output, HasSubstr("Usage: tests/run [--full]"));
  EXPECT_THAT(help.output, HasSubstr("tests/run --soak MINUTES"));
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--colour"},
        {"--filter"},
        {"--filter", ""},
        {"--fuzz"},
        {"--fuzz", "long"},
        {"--fuzz", "0"},
        {"--soak"},
        {"--soak", "0"},
        {"--soak", "1", "--full"},
        {"--soak", "1", "--seed"},
        {"--seed", "1"}}) {
    std::vector<std::string> command = {script};
    command.insert(command.end(), words.begin(), words.end());
    const Finished misused = RunToEnd(command);
    EXPECT_EQ(misused.exit_code, 2) << misused.output;
    EXPECT_THAT(misused.output, HasSubstr("see tests/run --help"));
  }
}

}  // namespace
}  // namespace rpc::testing
