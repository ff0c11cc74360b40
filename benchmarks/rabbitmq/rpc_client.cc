// The library's client, under the same load as those written by hand: calls
// kept in flight by their callbacks, or --threads blocking callers.

#include <chrono>
#include <cstdint>
#include <mutex>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "benchmarks/rabbitmq/call_meter.h"
#include "benchmarks/rabbitmq/fail.h"
#include "benchmarks/rabbitmq/fibonacci.h"
#include "benchmarks/rabbitmq/flags.h"
#include "benchmarks/rabbitmq/topology.h"
#include "rpc/rpc.h"
#include "rpc/transport/rabbitmq_transport.h"

namespace rpc::benchmarks {
namespace {

using Endpoint = RpcEndpoint<RabbitMqTransport, DecimalSerializer,
                             Method<"fibonacci", std::uint64_t(std::uint64_t)>>;

class RpcClient {
 public:
  RpcClient(const Flags& flags, Endpoint endpoint)
      : flags_(flags), endpoint_(std::move(endpoint)), meter_(flags) {}

  void RunAsynchronous() {
    for (std::uint64_t i = 0; i < flags_.in_flight; ++i) Start();
    for (std::uint64_t i = 0; i < flags_.in_flight; ++i) ended_.acquire();
  }

  void RunBlocking() {
    std::vector<std::jthread> callers;
    for (std::uint64_t i = 0; i < flags_.threads; ++i) {
      callers.emplace_back([this] {
        bool done = false;
        while (!done) {
          const auto started = CallMeter::Clock::now();
          Check(endpoint_.Call(flags_.n, options_));
          const std::lock_guard<std::mutex> lock(meter_mutex_);
          meter_.Finish(started);
          done = meter_.Done();
        }
      });
    }
  }

 private:
  void Start() {
    const auto started = CallMeter::Clock::now();
    endpoint_.CallAsync(
        flags_.n, options_,
        [this, started](const absl::StatusOr<std::uint64_t>& value) {
          Check(value);
          meter_.Finish(started);
          if (meter_.Done()) {
            ended_.release();
          } else {
            Start();
          }
        });
  }

  void Check(const absl::StatusOr<std::uint64_t>& value) const {
    if (!value.ok()) Fail(value.status().ToString());
    if (*value != expected_) Fail("a reply has a wrong value");
  }

  const Flags flags_;
  const std::uint64_t expected_ = Fibonacci(flags_.n);
  // Without a deadline a request carries no expiration.
  const CallOptions options_{.timeout = flags_.wire == Wire::kBare
                                            ? absl::InfiniteDuration()
                                            : absl::Seconds(10)};
  Endpoint endpoint_;
  std::mutex meter_mutex_;
  CallMeter meter_;
  std::counting_semaphore<> ended_{0};
};

int Run(const Flags& flags) {
  if (flags.wire == Wire::kNoMandatory) {
    Fail("--wire=no_mandatory: the library's requests are always mandatory");
  }
  absl::StatusOr<Endpoint> endpoint =
      Endpoint::Open({.transport = TransportOf(flags),
                      .callback_threads = flags.callback_threads});
  if (!endpoint.ok()) Fail(endpoint.status().ToString());
  RpcClient client(flags, *std::move(endpoint));
  if (flags.threads == 0) {
    client.RunAsynchronous();
  } else {
    client.RunBlocking();
  }
  return 0;
}

}  // namespace
}  // namespace rpc::benchmarks

int main(int argc, char** argv) {
  return rpc::benchmarks::Run(rpc::benchmarks::ParseFlags(argc, argv));
}
