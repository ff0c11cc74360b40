#ifndef RPC_TESTS_LINT_INCLUDES_H_
#define RPC_TESTS_LINT_INCLUDES_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "tests/lint/floors.h"

namespace rpc::testing {

struct Include {
  std::size_t line = 0;
  // With its brackets or quotation marks.
  std::string what;
};

// The #include lines of a source text, those inside #if among them.
std::vector<Include> IncludesOf(std::string_view text);

// One sentence for each header of `headers` that leads back to itself.
std::vector<std::string> Circles(const SourceTree& headers);

}  // namespace rpc::testing

#endif  // RPC_TESTS_LINT_INCLUDES_H_
