#ifndef RPC_TESTS_FUZZ_REQUIRE_H_
#define RPC_TESTS_FUZZ_REQUIRE_H_

#include <cstdio>
#include <cstdlib>

namespace rpc::fuzz {

// Ends the process, which is how a fuzz target reports what it found, unless
// `holds`; says which `law` was broken.
inline void Require(bool holds, const char* law) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", law);
  std::abort();
}

}  // namespace rpc::fuzz

#endif  // RPC_TESTS_FUZZ_REQUIRE_H_
