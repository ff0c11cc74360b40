#include "tests/lint/compiled_headers.h"

#include "gtest/gtest.h"

namespace rpc::testing {
namespace {

// There is nothing left to do at run time: that the case exists shows that its
// header was compiled.
class CompiledHeader : public ::testing::Test {
 public:
  void TestBody() override {}
};

}  // namespace

bool AddCompiledHeader(const char* header) {
  ::testing::RegisterTest(
      "SelfContained", header, nullptr, nullptr, header, 1,
      []() -> ::testing::Test* { return new CompiledHeader(); });
  return true;
}

}  // namespace rpc::testing
