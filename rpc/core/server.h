#ifndef RPC_CORE_SERVER_H_
#define RPC_CORE_SERVER_H_

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/core/answered_requests.h"
#include "rpc/core/concurrency_limits.h"
#include "rpc/core/handler_cancellations.h"
#include "rpc/core/worker_pool.h"
#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"
#include "rpc/message/server_context.h"
#include "rpc/transport/transport_policy.h"

namespace rpc {

// How an endpoint serves.
struct ServerOptions {
  // Threads that run handlers. 0: handlers run on the transport's own thread,
  // which suits those that take microseconds and never wait.
  int workers =
      static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  // The most requests taken from the queue and not answered, by each
  // connection. 0: the transport's choice, or else 32 for each worker.
  int prefetch = 0;
  // The most requests that wait for a worker. One that comes beyond, which a
  // larger prefetch lets in, is answered RESOURCE_EXHAUSTED at once.
  std::size_t max_waiting = 100'000;
  // The most requests of a method whose handlers run at the same time, by the
  // method's name, each at least 1; other methods have no limit but `workers`.
  // One that comes beyond is answered RESOURCE_EXHAUSTED at once. Not heeded
  // over a transport of the same thread.
  std::map<std::string, int> max_concurrent = {};
  // What such an answer asks its caller to wait.
  absl::Duration overload_retry_after = absl::Milliseconds(100);
  // The most results that are remembered, of requests with a message_id, so
  // that a duplicate (redelivered, or a further attempt) is answered with the
  // result and not run; one of a request that runs waits for its end. The same
  // request is one with the same message_id, method, body, content type and
  // metadata. Failures are not remembered. 0: all is run.
  std::size_t remember_answers = 0;
  // The most bytes of these requests and results; the oldest go first.
  std::size_t remember_bytes = std::size_t{64} << 20;
  // How long a stop waits for the handlers that run, and for the replies to
  // leave. A broker that takes nothing is waited for less than a second.
  absl::Duration drain_timeout = absl::Seconds(10);
  // Requests are being taken. Called on the transport's thread, again after
  // each interruption, as on_interrupted is: both return quickly.
  std::function<void()> on_serving = {};
  std::function<void(const absl::Status&)> on_interrupted = {};
  // Each request with the reply that it got. Called on the handler's thread,
  // before the reply leaves.
  std::function<void(const Request&, const Reply&)> on_served = {};
};

// What a server did since it began to serve.
struct ServerCounters {
  std::uint64_t succeeded = 0;
  std::uint64_t failed = 0;
  // Answered without running the handler: their deadline had passed.
  std::uint64_t expired = 0;
  // Delivered to another server before.
  std::uint64_t redelivered = 0;
  // Answered with the result of another delivery of the same request.
  std::uint64_t duplicates = 0;
  // Given back to the queue by a stop.
  std::uint64_t given_back = 0;
  // Not run: they asked for a reply to an address that is not allowed.
  std::uint64_t dropped = 0;
  // Answered RESOURCE_EXHAUSTED because max_waiting requests waited, or
  // max_concurrent ran.
  std::uint64_t overloaded = 0;
  std::uint64_t interruptions = 0;
};

namespace core {

// What an endpoint tells its server of itself.
struct ServerPlace {
  // From so many transports deliveries come, and theirs is the time.
  std::size_t transports = 1;
  std::function<TimePoint()> now = &Clock::now;
  // What a request is for that names none.
  std::string_view only_method = {};
  // There are handlers that see a context, and its cancellation.
  bool cancels_handlers = true;
};

// The life of one Serve(): takes deliveries, has them handled by workers,
// answers each, and drains. Thread-safe.
class Server final : public ServerEvents {
 public:
  // Fills in the reply's status, body and content type. Never throws.
  using Handle =
      std::function<void(const ServerContext&, const Request&, Reply&)>;

  Server(const ServerOptions& options, Handle handle, ServerPlace place = {})
      : options_(options),
        handle_(std::move(handle)),
        place_(std::move(place)),
        limits_(options_.max_concurrent) {
    if (place_.cancels_handlers) cancellations_.emplace();
    if (options_.remember_answers > 0) {
      answered_.emplace(
          AnsweredRequests::Bounds{.results = options_.remember_answers,
                                   .bytes = options_.remember_bytes,
                                   .waiting = options_.max_waiting});
    }
    if (options_.workers > 0) {
      pool_.emplace(options_.workers,
                    [this](Delivery&& d) { Answer(std::move(d)); });
    }
  }

  ServingOptions serving_options() const {
    ServingOptions options;
    options.prefetch =
        options_.prefetch > 0 ? options_.prefetch : PrefetchOfEach();
    options.prefetch_is_default = options_.prefetch == 0;
    return options;
  }

  // Until a stop is requested (OK) or the transport refuses to serve (why).
  absl::Status WaitForEnd(const std::stop_token& stop) {
    const std::stop_callback wake(stop, [this] {
      const std::lock_guard lock(mutex_);
      ended_.notify_all();
    });
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return stop.stop_requested() || !refusal_.ok(); });
    return refusal_;
  }

  // Gives back what no handler has begun and waits for those that run; at
  // `deadline` they are told to stop, and waited for. To be called when no more
  // deliveries come.
  absl::Status Drain(Deadline deadline) {
    draining_ = true;
    if (!pool_.has_value()) return absl::OkStatus();
    while (std::optional<Delivery> delivery = pool_->TakeQueued()) {
      GiveBack(*std::move(delivery));
    }
    if (pool_->WaitIdle(deadline)) return absl::OkStatus();
    CancelHandlers();
    pool_->WaitIdle(Deadline());
    return absl::DeadlineExceededError(
        "handlers still ran when drain_timeout had passed; they were "
        "cancelled");
  }

  // Tells the handlers that run to stop. They are not waited for.
  void CancelHandlers() {
    if (cancellations_.has_value()) cancellations_->CancelAll();
  }

  ServerCounters counters() const {
    return {.succeeded = succeeded_,
            .failed = failed_,
            .expired = expired_,
            .redelivered = redelivered_,
            .duplicates = duplicates_,
            .given_back = given_back_,
            .dropped = dropped_,
            .overloaded = overloaded_,
            .interruptions = interruptions_};
  }

  // From ServerEvents.
  void OnServing() override {
    // The last of them to begin.
    if (++serving_ >= place_.transports && options_.on_serving)
      options_.on_serving();
  }
  void OnDelivery(Delivery delivery) override {
    if (!pool_.has_value()) return Answer(std::move(delivery));
    if (pool_->TryPush(delivery, options_.max_waiting)) return;
    ++overloaded_;
    std::move(delivery).Answer(
        {.status = Overloaded(
             std::to_string(options_.max_waiting) +
             " requests wait for its workers, as many as max_waiting allows")});
  }
  void OnDropped() override { ++dropped_; }
  void OnInterrupted(const absl::Status& status) override {
    ++interruptions_;
    if (options_.on_interrupted) options_.on_interrupted(status);
  }
  void OnDeliveriesLost(const Delivery::Origin& origin) override {
    if (cancellations_.has_value()) cancellations_->CancelOf(&origin);
  }
  void OnRefused(const absl::Status& status) override {
    const std::lock_guard lock(mutex_);
    refusal_ = status;
    ended_.notify_all();
  }

 private:
  void Answer(Delivery&& delivery) {
    std::list<Delivery> same = AnswerOne(std::move(delivery));
    while (!same.empty()) {
      Delivery next = std::move(same.front());
      same.pop_front();
      same.splice(same.end(), AnswerOne(std::move(next)));
    }
  }

  // Returns those that waited for its end and are to be answered now.
  std::list<Delivery> AnswerOne(Delivery&& delivery) {
    if (draining_) {
      GiveBack(std::move(delivery));
      return {};
    }
    const Request& request = delivery.request();
    Reply reply;
    if (!request.deadline.is_never() &&
        request.deadline.Expired(place_.now())) {
      ++expired_;
      reply.status = NotRun(absl::DeadlineExceededError(
          "the deadline passed before the request reached a handler"));
    } else if (answered_.has_value() && !request.message_id.empty()) {
      return AnswerOnce(std::move(delivery));
    } else {
      Run(delivery, reply);
    }
    Send(std::move(delivery), std::move(reply));
    return {};
  }

  // As AnswerOne(), without running what was run.
  std::list<Delivery> AnswerOnce(Delivery&& delivery) {
    using Verdict = AnsweredRequests::Verdict;
    const std::string key = AnsweredRequests::KeyOf(delivery.request());
    Reply reply;
    std::list<Delivery> same;
    switch (answered_->Begin(key, delivery, reply)) {
      case Verdict::kWaits:
        return same;
      case Verdict::kAnswered:
        ++duplicates_;
        break;
      case Verdict::kTooManyWait:
        ++overloaded_;
        reply.status = Overloaded(
            "as many duplicates wait for a result as max_waiting allows");
        break;
      case Verdict::kRun:
        Run(delivery, reply);
        same = answered_->End(key, reply);
        if (!reply.status.ok()) break;
        duplicates_ += same.size();
        for (; !same.empty(); same.pop_front()) {
          Send(std::move(same.front()), Reply(reply));
        }
        break;
    }
    Send(std::move(delivery), std::move(reply));
    return same;
  }

  void Send(Delivery&& delivery, Reply&& reply) {
    if (delivery.facts().redelivered) ++redelivered_;
    if (options_.on_served) options_.on_served(delivery.request(), reply);
    std::move(delivery).Answer(std::move(reply));
  }

  void Run(const Delivery& delivery, Reply& reply) {
    const Request& request = delivery.request();
    const std::string_view method =
        request.method.empty() ? place_.only_method : request.method.view();
    const auto slot = limits_.Take(method);
    if (!slot.has_value()) {
      ++overloaded_;
      reply.status =
          Overloaded("as many requests for \"" + std::string(method) +
                     "\" run as max_concurrent allows");
      return;
    }
    const HandlerCancellations::Running running(
        cancellations_.has_value() ? &*cancellations_ : nullptr,
        request.deadline, delivery.origin());
    handle_(ContextOf(delivery, running.token()), request, reply);
    ++(reply.status.ok() ? succeeded_ : failed_);
  }

  static ServerContext ContextOf(const Delivery& delivery,
                                 std::stop_token cancellation) {
    const Request& request = delivery.request();
    return {.deadline = request.deadline,
            .cancellation = std::move(cancellation),
            .redelivered = delivery.facts().redelivered,
            .earlier_deliveries = delivery.facts().earlier_deliveries,
            .method = request.method,
            .message_id = request.message_id,
            .metadata = &request.metadata};
  }

  int PrefetchOfEach() const {
    const int all = 32 * std::max(1, options_.workers);
    return std::max(1, all / static_cast<int>(place_.transports));
  }

  absl::Status Overloaded(const std::string& why) const {
    return NotRun(WithRetryAfter(
        absl::ResourceExhaustedError("the server is overloaded: " + why),
        options_.overload_retry_after));
  }

  void GiveBack(Delivery delivery) {
    ++given_back_;
    std::move(delivery).Requeue();
  }

  const ServerOptions options_;
  const Handle handle_;
  const ServerPlace place_;
  ConcurrencyLimits limits_;
  std::optional<HandlerCancellations> cancellations_;
  std::optional<AnsweredRequests> answered_;
  std::atomic<std::size_t> serving_ = 0;
  std::mutex mutex_;
  std::condition_variable ended_;
  absl::Status refusal_;
  std::atomic<bool> draining_ = false;
  std::atomic<std::uint64_t> succeeded_ = 0;
  std::atomic<std::uint64_t> failed_ = 0;
  std::atomic<std::uint64_t> expired_ = 0;
  std::atomic<std::uint64_t> redelivered_ = 0;
  std::atomic<std::uint64_t> duplicates_ = 0;
  std::atomic<std::uint64_t> given_back_ = 0;
  std::atomic<std::uint64_t> dropped_ = 0;
  std::atomic<std::uint64_t> overloaded_ = 0;
  std::atomic<std::uint64_t> interruptions_ = 0;
  // Last: its threads use what stands above.
  std::optional<WorkerPool<Delivery>> pool_;
};

}  // namespace core
}  // namespace rpc

#endif  // RPC_CORE_SERVER_H_
