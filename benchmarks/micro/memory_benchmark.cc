// Calls through MemoryTransport: one at a time to a server with a thread of its
// own, beside two hand-offs between two threads; and 256 in flight.

#include <benchmark/benchmark.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <future>
#include <memory>
#include <semaphore>
#include <stop_token>
#include <thread>
#include <utility>

#include "absl/status/statusor.h"
#include "benchmarks/meter/allocation_counter.h"
#include "rpc/endpoint.h"
#include "rpc/handler/fibonacci.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/transport/memory_broker.h"
#include "rpc/transport/memory_transport.h"

namespace rpc::benchmarks {
namespace {

constexpr std::uint64_t kN = 90;

using Endpoint =
    RpcEndpoint<MemoryTransport, DecimalSerializer, Fibonacci<std::uint64_t>>;

// A server that serves on a thread of this object's, and its client.
class ServedEndpoint {
 public:
  explicit ServedEndpoint(int workers) {
    const auto broker = std::make_shared<MemoryBroker>();
    std::promise<void> serving;
    Endpoint::Options options;
    options.transport.broker = broker;
    options.server.workers = workers;
    options.server.prefetch = 512;
    options.server.on_serving = [&serving] { serving.set_value(); };
    server_ = std::make_unique<Endpoint>(*Endpoint::Open(std::move(options)));
    client_ = std::make_unique<Endpoint>(
        *Endpoint::Open({.transport = {.broker = broker}}));
    thread_ = std::jthread([this](std::stop_token stop) {
      if (!server_->Serve(stop).ok()) std::abort();
    });
    serving.get_future().wait();
  }

  Endpoint& client() { return *client_; }

 private:
  std::unique_ptr<Endpoint> server_;
  std::unique_ptr<Endpoint> client_;
  std::jthread thread_;
};

void MemoryK1(benchmark::State& state) {
  ServedEndpoint served(1);
  benchmark::DoNotOptimize(served.client().Call(kN));
  const AllocationCounter allocations(state);
  for (auto _ : state) {
    const absl::StatusOr<std::uint64_t> value = served.client().Call(kN);
    if (!value.ok()) state.SkipWithError("a call failed");
    benchmark::DoNotOptimize(*value);
  }
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

// Keeps `in_flight` calls open until `calls` have ended.
class Window {
 public:
  Window(Endpoint& client, std::int64_t in_flight, std::int64_t calls)
      : client_(client), in_flight_(in_flight), to_start_(calls) {}

  void Run() {
    for (std::int64_t i = 0; i < in_flight_; ++i) StartNext();
    for (std::int64_t i = 0; i < in_flight_; ++i) ended_.acquire();
  }
  bool failed() const { return failed_.load(); }

 private:
  void StartNext() {
    if (to_start_.fetch_sub(1, std::memory_order_relaxed) <= 0) {
      ended_.release();
      return;
    }
    client_.CallAsync(kN, [this](const absl::StatusOr<std::uint64_t>& value) {
      if (!value.ok()) failed_.store(true);
      StartNext();
    });
  }

  Endpoint& client_;
  const std::int64_t in_flight_;
  std::atomic<std::int64_t> to_start_;
  std::atomic<bool> failed_ = false;
  std::counting_semaphore<> ended_{0};
};

void MemoryW256(benchmark::State& state) {
  constexpr std::int64_t kBatch = 20'000;
  ServedEndpoint served(static_cast<int>(state.range(0)));
  Window(served.client(), 256, kBatch).Run();
  const AllocationCounter allocations(state);
  while (state.KeepRunningBatch(kBatch)) {
    Window window(served.client(), 256, kBatch);
    window.Run();
    if (window.failed()) state.SkipWithError("a call failed");
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(MemoryW256)->Name("memory_w256/inline")->Arg(0)->UseRealTime();
BENCHMARK(MemoryW256)->Name("memory_w256/worker")->Arg(1)->UseRealTime();

}  // namespace
}  // namespace rpc::benchmarks
