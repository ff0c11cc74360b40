// Calls over DirectTransport, or the same by hand, as many as are asked for: to
// be run under a tool that counts instructions.

#include <cstdint>
#include <cstdio>

#include "absl/base/attributes.h"
#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "benchmarks/micro/direct_calls.h"

ABSL_FLAG(bool, by_hand, false, "without the library's endpoint");
ABSL_FLAG(std::uint64_t, calls, 1000, "how many calls to make");

namespace rpc::benchmarks {
namespace {

// As a user's function would have it: one call of its own.
ABSL_ATTRIBUTE_NOINLINE std::uint64_t ByHand(std::uint64_t n) {
  return CallByHand(n);
}
ABSL_ATTRIBUTE_NOINLINE std::uint64_t Direct(DirectEndpoint& endpoint,
                                             std::uint64_t n) {
  return CallDirect(endpoint, n);
}

int Run() {
  const bool by_hand = absl::GetFlag(FLAGS_by_hand);
  const std::uint64_t calls = absl::GetFlag(FLAGS_calls);
  auto endpoint = DirectEndpoint::Open();
  std::uint64_t sum = 0;
  for (std::uint64_t call = 0; call < calls; ++call) {
    const std::uint64_t n = 80 + call % 10;
    const std::uint64_t number = by_hand ? ByHand(n) : Direct(*endpoint, n);
    if (number == 0) return 1;
    sum += number;
  }
  std::printf("%llu\n", static_cast<unsigned long long>(sum));
  return 0;
}

}  // namespace
}  // namespace rpc::benchmarks

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage(
      "makes calls in one thread, and prints the sum of their results");
  absl::ParseCommandLine(argc, argv);
  return rpc::benchmarks::Run();
}
