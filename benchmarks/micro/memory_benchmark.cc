// Calls through MemoryTransport: one at a time to a server with a thread of its
// own, beside two hand-offs between two threads; and 256 in flight.

#include <benchmark/benchmark.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <thread>
#include <tuple>
#include <utility>

#include "absl/status/statusor.h"
#include "benchmarks/policies/calls.h"
#include "benchmarks/policies/failure.h"
#include "benchmarks/policies/served_method.h"
#include "rpc/core/endpoint_options.h"
#include "rpc/handler/fibonacci.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/transport/memory_broker.h"
#include "rpc/transport/memory_transport.h"

namespace rpc::benchmarks {
namespace {

constexpr std::uint64_t kN = 90;

using Served =
    ServedMethod<MemoryTransport, DecimalSerializer, Fibonacci<std::uint64_t>>;

absl::StatusOr<Served> StartServing(int workers) {
  EndpointOptions<MemoryTransport> options;
  options.transport.broker = std::make_shared<MemoryBroker>();
  options.server.workers = workers;
  options.server.prefetch = 512;
  return Served::Start(std::move(options));
}

void MemoryK1(benchmark::State& state) {
  const absl::StatusOr<Served> served = StartServing(1);
  if (!served.ok()) return ReportFailure(state, served.status());
  MeasureCalls(state, served->client(), std::tuple(kN));
}
BENCHMARK(MemoryK1)->Name("memory_k1/rpc")->UseRealTime();

// A word that one thread sets and another sleeps for.
class FutexFlag {
 public:
  void Set() {
    word_.store(1, std::memory_order_release);
    ::syscall(SYS_futex, Address(), FUTEX_WAKE_PRIVATE, 1, nullptr);
  }
  void Take() {
    while (word_.exchange(0, std::memory_order_acquire) == 0) {
      ::syscall(SYS_futex, Address(), FUTEX_WAIT_PRIVATE, 0, nullptr);
    }
  }

 private:
  std::uint32_t* Address() { return reinterpret_cast<std::uint32_t*>(&word_); }

  std::atomic<std::uint32_t> word_ = 0;
};

void TwoHandOffs(benchmark::State& state) {
  FutexFlag request;
  FutexFlag reply;
  std::jthread other([&](const std::stop_token& stop) {
    while (true) {
      request.Take();
      if (stop.stop_requested()) return;
      reply.Set();
    }
  });
  for (auto _ : state) {
    request.Set();
    reply.Take();
  }
  other.request_stop();
  request.Set();
}
BENCHMARK(TwoHandOffs)->Name("memory_k1/futex")->UseRealTime();

void MemoryW256(benchmark::State& state) {
  const absl::StatusOr<Served> served =
      StartServing(static_cast<int>(state.range(0)));
  if (!served.ok()) return ReportFailure(state, served.status());
  MeasureCallWindow(state, served->client(), std::tuple(kN), 256);
}
BENCHMARK(MemoryW256)->Name("memory_w256/inline")->Arg(0)->UseRealTime();
BENCHMARK(MemoryW256)->Name("memory_w256/worker")->Arg(1)->UseRealTime();

}  // namespace
}  // namespace rpc::benchmarks
