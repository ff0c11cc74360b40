// Microbenchmarks of the policies of one's own: a line for each.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>

#include "benchmarks/policies/register.h"
#include "examples/own_handler.h"
#include "examples/own_serializer.h"
#include "examples/own_transport.h"
#include "rpc/serializer/json_serializer.h"

namespace bench = rpc::benchmarks;

int main(int argc, char** argv) {
  bench::RegisterSerializer<examples::BigEndianSerializer>("own_serializer",
                                                           std::uint64_t{90});
  bench::RegisterHandler<examples::Deposit, rpc::JsonSerializer>(
      "own_handler", {"voucher", "ada", 100});
  bench::RegisterTransport<examples::LoopTransport>("own_transport", [] {
    const auto meeting = std::make_shared<examples::LoopTransport::Meeting>();
    return examples::LoopTransport::Options{.meeting = meeting};
  });

  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
