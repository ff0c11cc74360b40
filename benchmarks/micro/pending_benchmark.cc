// What a pending call costs, by the number of calls that are pending: over a
// transport that keeps each request until the benchmark answers it.

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <cstdint>
#include <deque>
#include <semaphore>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "benchmarks/meter/allocation_counter.h"
#include "rpc/endpoint.h"
#include "rpc/message/envelope.h"
#include "rpc/message/method.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/transport/transport_policy.h"

namespace rpc::benchmarks {
namespace {

// The ids of the requests that wait, oldest first.
struct Waiting {
  CallEvents* events = nullptr;
  std::deque<ShortText> ids;

  void AnswerOldest() {
    Reply reply;
    reply.correlation_id = std::move(ids.front());
    ids.pop_front();
    reply.body = "1";
    events->OnReply(std::move(reply));
  }
};

class WaitingTransport {
 public:
  struct Options {
    Waiting* waiting = nullptr;
  };
  static constexpr TransportTraits kTraits = {.concurrent = true};

  explicit WaitingTransport(Options options) : options_(options) {}

  absl::Status Open(Deadline) { return absl::OkStatus(); }
  std::string Describe() const { return "requests that wait"; }
  absl::Status StartCalls(CallEvents* events) {
    options_.waiting->events = events;
    return absl::OkStatus();
  }
  absl::Status Submit(Request request) {
    if (options_.waiting->events->Claim(request.correlation_id)) {
      options_.waiting->ids.push_back(std::move(request.correlation_id));
    }
    return absl::OkStatus();
  }

  absl::Status StartServing(ServerEvents*, ServingOptions) {
    return NoServer();
  }
  absl::Status StopServing(Deadline) { return NoServer(); }
  absl::Status Flush(Deadline) { return NoServer(); }

 private:
  static absl::Status NoServer() {
    return absl::UnimplementedError("nothing is served here");
  }

  Options options_;
};

using Endpoint = RpcEndpoint<WaitingTransport, DecimalSerializer,
                             Method<"wait", std::uint64_t(std::uint64_t)>>;

// Callbacks come on another thread: waiting for them one by one would measure
// how fast threads wake each other.
constexpr int kBatch = 100;

double AllocatedBytes() {
  return static_cast<double>(::mallinfo2().uordblks) +
         static_cast<double>(::mallinfo2().hblkhd);
}

void Pending(benchmark::State& state) {
  const auto pending = static_cast<std::uint64_t>(state.range(0));
  Waiting waiting;
  std::counting_semaphore<> ended(0);
  auto endpoint = Endpoint::Open({.transport = {.waiting = &waiting}});
  const auto start = [&] {
    endpoint->CallAsync(
        1, {.timeout = absl::Minutes(10)},
        [&ended](const absl::StatusOr<std::uint64_t>&) { ended.release(); });
  };
  start();
  waiting.AnswerOldest();
  ended.acquire();

  const double before = AllocatedBytes();
  for (std::uint64_t i = 0; i < pending; ++i) start();
  const double ids = static_cast<double>(pending * sizeof(ShortText));
  state.counters["bytes"] =
      (AllocatedBytes() - before - ids) / static_cast<double>(pending);
  {
    const AllocationCounter allocations(state);
    while (state.KeepRunningBatch(kBatch)) {
      for (int i = 0; i < kBatch; ++i) {
        start();
        waiting.AnswerOldest();
      }
      for (int i = 0; i < kBatch; ++i) ended.acquire();
    }
  }
  for (std::uint64_t i = 0; i < pending; ++i) waiting.AnswerOldest();
  for (std::uint64_t i = 0; i < pending; ++i) ended.acquire();
}
BENCHMARK(Pending)
    ->Name("pending")
    ->RangeMultiplier(10)
    ->Range(100, 100'000)
    ->MeasureProcessCPUTime();

}  // namespace
}  // namespace rpc::benchmarks
