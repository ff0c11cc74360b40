#ifndef RPC_TESTS_FAULTS_FAULT_MATRIX_H_
#define RPC_TESTS_FAULTS_FAULT_MATRIX_H_

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "tests/faults/stall_witness.h"
#include "tests/transport/rabbitmq_bench.h"

namespace rpc::testing {

enum class Ran { kNo, kMaybe };

// What a caller must see of a fault.
struct Expected {
  absl::StatusCode code = absl::StatusCode::kOk;
  Ran ran = Ran::kMaybe;
  // The call's; its status must be there 100 ms later, on a machine that has
  // time for it.
  absl::Duration timeout = absl::Seconds(1);
  // From the moment that Recovers() is given to a fresh call's success.
  absl::Duration recovery = absl::Seconds(1);
};

// A row of the matrix: one fault, what was expected of it and what was seen.
// Checks as it goes, and leaves a line for the table at its end. Of the test's
// thread.
class MatrixRow {
 public:
  MatrixRow(int number, std::string fault, const Expected& expected)
      : number_(number), fault_(std::move(fault)), expected_(expected) {}
  MatrixRow(const MatrixRow&) = delete;
  MatrixRow& operator=(const MatrixRow&) = delete;
  ~MatrixRow() {
    const std::string line =
        absl::StrFormat("%3d  %-46s %-18s %-4s %8.3f %8.3f  %s", number_,
                        fault_, absl::StatusCodeToString(seen_.code()),
                        seen_.ok()          ? "-"
                        : MayHaveRun(seen_) ? "yes"
                                            : "no",
                        absl::ToDoubleSeconds(took_),
                        absl::ToDoubleSeconds(recovery_), kept_ ? "yes" : "NO");
    Lines().push_back(line);
    ::testing::Test::RecordProperty(
        absl::StrFormat("row_%02d_%03d", number_, fault_index_), line);
  }

  // Calls, has `fault` happen meanwhile, and checks how the call ended.
  template <typename Client, typename Argument>
  void Call(
      Client& client, const Argument& argument,
      const std::function<void()>& fault = [] {}) {
    Event over;
    absl::Duration took;
    absl::Status status;
    const TimePoint begin = Clock::now();
    client.CallAsync(argument, {.timeout = expected_.timeout},
                     [&](const auto& value) {
                       took = absl::FromChrono(Clock::now() - begin);
                       status = value.status();
                       over.Set();
                     });
    fault();
    ASSERT_TRUE(over.Wait(expected_.timeout + kPatience)) << fault_;
    Ended(status, took);
  }

  // Checks how a call ended that was made in another way.
  void Ended(const absl::Status& status, absl::Duration took) {
    seen_ = status;
    took_ = took;
    Check(status.code() == expected_.code, status.ToString());
    Check(status.ok() || MayHaveRun(status) == (expected_.ran == Ran::kMaybe),
          absl::StrCat("may have run: ", MayHaveRun(status), "; ",
                       status.ToString()));
    Check(took <= expected_.timeout + absl::Milliseconds(100) + stall(),
          absl::StrCat("took ", absl::FormatDuration(took),
                       ", of which the machine may have added ",
                       absl::FormatDuration(stall())));
  }

  // Makes calls one after the other until one succeeds, which must be within
  // the bound after `from`.
  template <typename Client, typename Argument>
  void Recovers(Client& client, const Argument& argument,
                TimePoint from = Clock::now()) {
    const Deadline bound = Deadline::After(expected_.recovery, from);
    absl::Status status;
    do {
      // One may yet be lost with the connection that suffered.
      const absl::Duration timeout =
          std::min(bound.Left(Clock::now()), kAttempt);
      status = client.Call(argument, {.timeout = timeout}).status();
      recovery_ = absl::FromChrono(Clock::now() - from);
    } while (!status.ok() && recovery_ < expected_.recovery);
    Check(status.ok(), absl::StrCat("no recovery within ",
                                    absl::FormatDuration(expected_.recovery),
                                    ": ", status.ToString()));
  }

  // How long that took.
  absl::Duration recovery() const { return recovery_; }

  // Something else that the row demands.
  void Check(bool holds, const std::string& what) {
    kept_ = kept_ && holds;
    EXPECT_TRUE(holds) << "row " << number_ << ", " << fault_ << ": " << what;
  }

  // What the machine may have added to a call since the row began.
  absl::Duration stall() const { return witness_.added(); }

  static void PrintTable() {
    if (Lines().empty()) return;
    // As the table's header in tests/results has it.
    std::printf("%3s  %-46s %-18s %-4s %8s %8s  %s\n", "row", "fault", "status",
                "ran", "status/s", "again/s", "bound kept");
    for (const std::string& line : Lines()) std::printf("%s\n", line.c_str());
  }

 private:
  static constexpr absl::Duration kAttempt = absl::Milliseconds(500);

  static std::vector<std::string>& Lines() {
    static std::vector<std::string> lines;
    return lines;
  }

  const int number_;
  const std::string fault_;
  const Expected expected_;
  const std::size_t fault_index_ = Lines().size();
  const StallWitness witness_;
  absl::Status seen_;
  absl::Duration took_;
  absl::Duration recovery_;
  bool kept_ = true;
};

// Tests of a part of the matrix, which is printed after them.
class FaultMatrix : public ::testing::Test {
 protected:
  static void TearDownTestSuite() { MatrixRow::PrintTable(); }
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_FAULTS_FAULT_MATRIX_H_
