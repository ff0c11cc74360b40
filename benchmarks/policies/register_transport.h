#ifndef BENCHMARKS_POLICIES_REGISTER_TRANSPORT_H_
#define BENCHMARKS_POLICIES_REGISTER_TRANSPORT_H_

#include <benchmark/benchmark.h>

#include <cstdint>
#include <functional>
#include <string>
#include <tuple>

#include "benchmarks/policies/calls.h"
#include "benchmarks/policies/echo.h"
#include "benchmarks/policies/failure.h"
#include "benchmarks/policies/register_served.h"
#include "benchmarks/policies/served_method.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/transport/transport_policy.h"

namespace rpc::benchmarks {

// Registers NAME/call, one call after the other, and NAME/in_flight/256, with
// as many open at any time (not over a transport of the same thread, where a
// call cannot wait). `options()` makes a new world for each run; both sides of
// it are opened with what it returns. The handler is an echo of an integer. Not
// thread-safe, like google-benchmark's own registration.
template <typename Transport>
void RegisterTransport(const std::string& name,
                       std::function<typename Transport::Options()> options) {
  using Handler = Echo<std::uint64_t>;
  RegisterCalls<Transport, DecimalSerializer, Handler>(name + "/call", options,
                                                       {std::uint64_t{90}});
  if constexpr (!SameThread<Transport>) {
    benchmark::RegisterBenchmark(
        (name + "/in_flight").c_str(),
        [=](benchmark::State& state) {
          using Served = ServedMethod<Transport, DecimalSerializer, Handler>;
          auto served = Served::Start(InlineServing<Transport>(options()));
          if (!served.ok()) return ReportFailure(state, served.status());
          MeasureCallWindow(state, served->client(),
                            std::tuple(std::uint64_t{90}), state.range(0));
        })
        ->Arg(256)
        ->UseRealTime();
  }
}

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_POLICIES_REGISTER_TRANSPORT_H_
