// What a call can end with besides a value, and what to make of it.

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <iostream>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <stop_token>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "rpc/rpc.h"

namespace {

// Takes as long as it is told to, unless nobody waits for it any more.
struct Work {
  using Method = rpc::Method<"work", std::int64_t(std::int64_t)>;

  absl::StatusOr<std::int64_t> operator()(const rpc::ServerContext& context,
                                          std::int64_t milliseconds) const {
    if (milliseconds < 0) {
      return absl::InvalidArgumentError("milliseconds must not be negative");
    }
    if (milliseconds == 13) throw std::runtime_error("out of luck");
    std::mutex mutex;
    std::condition_variable_any woken;
    std::unique_lock lock(mutex);
    const auto done =
        rpc::Clock::now() + std::chrono::milliseconds(milliseconds);
    // Wakes up early if the server is stopped or the caller has given up.
    woken.wait_until(lock, context.cancellation,
                     std::min(done, context.deadline.at()),
                     [] { return false; });
    if (rpc::Clock::now() < done) {
      return absl::DeadlineExceededError("nobody waits any more");
    }
    return milliseconds;
  }
};

using Worker =
    rpc::RpcEndpoint<rpc::MemoryTransport, rpc::DecimalSerializer, Work>;

void Report(const char* what, const absl::StatusOr<std::int64_t>& result) {
  std::cout << what << ": ";
  if (result.ok()) {
    std::cout << *result << "\n";
    return;
  }
  std::cout << absl::StatusCodeToString(result.status().code())
            << (rpc::MayHaveRun(result.status())
                    ? ", may have run: look before you try again\n"
                    : ", has not run: safe to try again\n");
}

}  // namespace

int main() {
  const auto broker = std::make_shared<rpc::MemoryBroker>();
  const Worker::Options options = {.transport = {.broker = broker},
                                   .default_timeout = absl::Seconds(5)};
  auto client = Worker::Open(options);
  if (!client.ok()) return 1;
  Report("no server yet", client->Call(1));

  auto server = Worker::Open(options);
  if (!server.ok()) return 1;
  auto serving = server->ServeInBackground();
  if (!serving.ok()) return 1;
  Report("in time", client->Call(1));
  Report("refused by the handler", client->Call(-1));
  Report("thrown by the handler", client->Call(13));
  Report("too late", client->Call(10'000, {.timeout = absl::Milliseconds(50)}));

  std::stop_source gave_up;
  gave_up.request_stop();
  Report("cancelled",
         client->Call(10'000, {.cancellation = gave_up.get_token()}));
}
