#ifndef RPC_TESTS_SUPPORT_FIGURE_H_
#define RPC_TESTS_SUPPORT_FIGURE_H_

#include <string>
#include <string_view>

#include "absl/strings/str_format.h"
#include "gtest/gtest.h"

namespace rpc::testing {

// Leaves a line for the table of figures that tests/run prints at its end: what
// was measured, how much it was, and what it may be. Checks nothing. Of the
// test's thread, within a test.
inline void RecordFigure(std::string_view what, std::string_view measured,
                         std::string_view bound) {
  ::testing::Test::RecordProperty(
      "figure_" + std::string(what),
      absl::StrFormat("%-62s %-22s %s", what, measured, bound));
}

}  // namespace rpc::testing

#endif  // RPC_TESTS_SUPPORT_FIGURE_H_
