#ifndef RPC_TESTS_FAULTS_CHAOS_CLIENT_H_
#define RPC_TESTS_FAULTS_CHAOS_CLIENT_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "rpc/endpoint.h"
#include "rpc/message/method.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/faults/chaos_book.h"
#include "tests/transport/rabbitmq_bench.h"

namespace rpc::testing {

enum class CallForm { kAsync, kBlocking };

// Makes calls of a MarkingHandler's method all the time, as the book lets it,
// from its construction to its end, which comes in the middle of its calls.
// Thread-compatible.
template <Idempotent kMayRunTwice>
class ChaosClient {
 public:
  using Endpoint =
      RpcEndpoint<RabbitMqTransport, DecimalSerializer,
                  Method<"mark", std::uint64_t(std::uint64_t), kMayRunTwice>>;

  // `number` is the book's for it. The book outlives it.
  ChaosClient(Endpoint endpoint, CallForm form, std::size_t number,
              ChaosBook* book)
      : book_(book),
        number_(number),
        endpoint_(std::make_unique<Endpoint>(std::move(endpoint))) {
    const bool is_async = form == CallForm::kAsync;
    for (int i = 0; i < (is_async ? 1 : kBlockingThreads); ++i) {
      threads_.emplace_back([this, is_async](const std::stop_token& stop) {
        is_async ? CallAsync(stop) : CallBlocking(stop);
      });
    }
  }
  ~ChaosClient() { End(); }

  // How long the endpoint's end took.
  absl::Duration End() {
    for (std::jthread& thread : threads_) thread.request_stop();
    threads_.clear();
    return Took([&] { endpoint_.reset(); });
  }

 private:
  static constexpr int kBlockingThreads = 3;
  static constexpr int kMostUnderWay = 300;
  static constexpr std::chrono::milliseconds kPause{10};

  void CallAsync(const std::stop_token& stop) {
    while (Pause(stop)) {
      if (under_way_ >= kMostUnderWay) continue;
      const auto call = book_->Begin(number_);
      if (!call.has_value()) continue;
      ++under_way_;
      endpoint_->CallAsync(
          call->argument, {.timeout = call->timeout},
          [this, call = *call, endings = std::make_shared<std::atomic<int>>(0)](
              const absl::StatusOr<std::uint64_t>& value) {
            --under_way_;
            book_->End(call, ++*endings, value);
          });
    }
  }

  void CallBlocking(const std::stop_token& stop) {
    while (Pause(stop)) {
      const auto call = book_->Begin(number_);
      if (!call.has_value()) continue;
      book_->End(*call, 1,
                 endpoint_->Call(call->argument, {.timeout = call->timeout}));
    }
  }

  // False if it is time to stop.
  bool Pause(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    never_.wait_for(lock, stop, kPause, [] { return false; });
    return !stop.stop_requested();
  }

  ChaosBook* const book_;
  const std::size_t number_;
  std::atomic<int> under_way_ = 0;
  std::mutex mutex_;
  std::condition_variable_any never_;
  std::unique_ptr<Endpoint> endpoint_;
  std::vector<std::jthread> threads_;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_FAULTS_CHAOS_CLIENT_H_
