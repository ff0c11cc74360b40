#ifndef RPC_TESTS_TRANSPORT_RABBITMQ_BENCH_H_
#define RPC_TESTS_TRANSPORT_RABBITMQ_BENCH_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "rpc/endpoint.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/support/broker.h"

namespace rpc::testing {

// How long a test waits for what has to come.
inline constexpr absl::Duration kPatience = absl::Seconds(20);

// Something that happens once and that others wait for. Thread-safe.
class Event {
 public:
  void Set() {
    const std::lock_guard lock(mutex_);
    is_set_ = true;
    changed_.notify_all();
  }
  bool IsSet() const {
    const std::lock_guard lock(mutex_);
    return is_set_;
  }
  // False if it did not happen within `patience`.
  bool Wait(absl::Duration patience = kPatience) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, absl::ToChronoNanoseconds(patience),
                             [&] { return is_set_; });
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool is_set_ = false;
};

// A count that others wait for. Thread-safe.
class Tally {
 public:
  void Add() {
    const std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  int count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }
  // False if it is not reached within `patience`.
  bool WaitFor(int count, absl::Duration patience = kPatience) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, absl::ToChronoNanoseconds(patience),
                             [&] { return count_ >= count; });
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  int count_ = 0;
};

// An endpoint that serves on a thread of its own, from Start() or its
// construction on until Stop() or its end. The options' on_serving is called as
// well.
template <typename Endpoint>
class TestServer {
 public:
  using Options = typename Endpoint::Options;

  // Throws std::runtime_error if it cannot be opened or does not begin to
  // serve: a test fails then.
  template <typename... Handler>
  explicit TestServer(Options options, Handler... handler)
      : TestServer(Deferred(), std::move(options), std::move(handler)...) {
    if (!servings_->WaitFor(1)) {
      throw std::runtime_error("does not serve: " + Stop().ToString());
    }
  }
  ~TestServer() { Stop().IgnoreError(); }

  // What Serve() returned.
  absl::Status Stop() {
    stop_.request_stop();
    return Wait();
  }
  // For the end that comes by itself.
  absl::Status Wait() {
    if (thread_.joinable()) thread_.join();
    return served_;
  }
  void RequestStop() { stop_.request_stop(); }

  Endpoint& endpoint() { return *endpoint_; }
  // How often it began to take requests.
  const Tally& servings() const { return *servings_; }
  const Tally& interruptions() const { return *interruptions_; }

  struct Deferred {};
  // Does not wait until it serves.
  template <typename... Handler>
  TestServer(Deferred, Options options, Handler... handler) {
    options.server.on_serving = [servings = servings_,
                                 also = options.server.on_serving] {
      if (also) also();
      servings->Add();
    };
    options.server.on_interrupted =
        [tally = interruptions_](const absl::Status&) { tally->Add(); };
    auto opened = Endpoint::Open(std::move(options), std::move(handler)...);
    if (!opened.ok()) throw std::runtime_error(opened.status().ToString());
    endpoint_.emplace(*std::move(opened));
    thread_ =
        std::thread([this] { served_ = endpoint_->Serve(stop_.get_token()); });
  }

 private:
  const std::shared_ptr<Tally> servings_ = std::make_shared<Tally>();
  const std::shared_ptr<Tally> interruptions_ = std::make_shared<Tally>();
  std::optional<Endpoint> endpoint_;
  std::stop_source stop_;
  absl::Status served_;
  std::thread thread_;
};

// How long `act()` takes.
template <typename Act>
absl::Duration Took(Act&& act) {
  const auto begin = std::chrono::steady_clock::now();
  act();
  return absl::FromChrono(std::chrono::steady_clock::now() - begin);
}

}  // namespace rpc::testing

#endif  // RPC_TESTS_TRANSPORT_RABBITMQ_BENCH_H_
