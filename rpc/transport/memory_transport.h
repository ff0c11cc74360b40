#ifndef RPC_TRANSPORT_MEMORY_TRANSPORT_H_
#define RPC_TRANSPORT_MEMORY_TRANSPORT_H_

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/memory_broker.h"
#include "rpc/transport/memory_caller.h"
#include "rpc/transport/memory_consumer.h"
#include "rpc/transport/memory_queue.h"
#include "rpc/transport/transport_policy.h"

namespace rpc {

// Carries calls between threads of one process, over the MemoryBroker that its
// ends share: for tests, and for programs that have no RabbitMQ.
//
// A request without a correlation id is one-way: it is not claimed and carries
// no reply address. There are no threads of the transport's: OnDelivery and
// OnReply come on the threads that submit, settle or start to serve, OnTime on
// the broker's. The receivers of those events may submit and settle; they must
// not destroy a transport or wait for StopServing.
class MemoryTransport final : private Delivery::Origin {
 public:
  struct Options {
    // Shared by the ends that are to meet. Required.
    std::shared_ptr<MemoryBroker> broker = nullptr;
    std::string queue = "rpc";
    // What a server declares the queue with. If unset: the broker's default.
    std::optional<MemoryQueueOptions> queue_options = std::nullopt;
  };
  static constexpr TransportTraits kTraits = {
      .redelivers = true, .expires = true, .returns = true, .concurrent = true};

  explicit MemoryTransport(Options options) : options_(std::move(options)) {}
  MemoryTransport(const MemoryTransport&) = delete;
  MemoryTransport& operator=(const MemoryTransport&) = delete;
  ~MemoryTransport() {
    for (MemoryConsumer& consumer : consumers_) queue_->Detach(&consumer);
    for (MemoryConsumer& consumer : consumers_) {
      consumer.gate().Close();
      queue_->GiveBackAll(&consumer);
    }
    if (caller_.has_value()) {
      options_.broker->timer_.Remove(&*caller_);
      options_.broker->replies_.Remove(&*caller_);
      caller_->gate().Close();
    }
  }

  // FAILED_PRECONDITION without a broker.
  absl::Status Open(Deadline) {
    if (options_.broker != nullptr) return absl::OkStatus();
    return absl::FailedPreconditionError(
        "MemoryTransport has no broker; set Options::broker to a "
        "std::make_shared<rpc::MemoryBroker>() that client and server share");
  }

  std::string Describe() const {
    return "queue \"" + options_.queue + "\" in memory";
  }

  // The broker's time.
  TimePoint Now() const { return options_.broker->Now(); }
  // After StartCalls.
  void Wake() { options_.broker->timer_.WakeBy(*caller_, Now()); }

  // FAILED_PRECONDITION the second time, or without a broker.
  absl::Status StartCalls(CallEvents* events) {
    if (absl::Status status = Open(Deadline()); !status.ok()) return status;
    const std::lock_guard lock(calls_mutex_);
    if (caller_.has_value()) {
      return absl::FailedPreconditionError(
          "StartCalls was called twice; it comes once");
    }
    caller_.emplace(events);
    options_.broker->replies_.Add(&*caller_);
    options_.broker->timer_.Add(&*caller_);
    calls_started_.store(true, std::memory_order_release);
    return absl::OkStatus();
  }

  // FAILED_PRECONDITION before StartCalls. What keeps the request from a queue
  // comes as its OnReply, before this returns.
  absl::Status Submit(Request&& request) {
    if (!calls_started_.load(std::memory_order_acquire)) {
      return NotRun(
          absl::FailedPreconditionError("Submit was called before StartCalls"));
    }
    if (request.correlation_id.empty()) {
      request.reply_to.clear();
      return Carry(std::move(request));
    }
    if (!request.deadline.is_never()) {
      options_.broker->timer_.WakeBy(*caller_, request.deadline.at());
    }
    if (!caller_->events().Claim(request.correlation_id)) {
      return absl::OkStatus();
    }
    request.reply_to = caller_->reply_to();
    ShortText id = request.correlation_id;
    if (absl::Status status = Carry(std::move(request)); !status.ok()) {
      caller_->gate().Enter();
      caller_->Take(
          {.correlation_id = std::move(id), .status = std::move(status)});
    }
    return absl::OkStatus();
  }

  // Declares the queue and takes from it. INVALID_ARGUMENT if prefetch is less
  // than 1; FAILED_PRECONDITION if it serves already, without a broker, or if
  // the queue is there with other options. May come again after StopServing.
  absl::Status StartServing(ServerEvents* events, ServingOptions options) {
    if (absl::Status status = Open(Deadline()); !status.ok()) return status;
    if (options.prefetch < 1) {
      return absl::InvalidArgumentError("prefetch is " +
                                        std::to_string(options.prefetch) +
                                        "; it is at least 1");
    }
    absl::StatusOr<MemoryConsumer*> consumer = AddConsumer(events, options);
    if (!consumer.ok()) return consumer.status();
    events->OnServing();
    queue_->Attach(*consumer);
    return absl::OkStatus();
  }

  // Deliveries that were handed out can still be settled. DEADLINE_EXCEEDED if
  // an event is being told until then; to be called again, to wait on.
  absl::Status StopServing(Deadline deadline) {
    const std::lock_guard lock(serving_mutex_);
    serving_ = false;
    if (consumers_.empty()) return absl::OkStatus();
    queue_->Detach(&consumers_.back());
    if (consumers_.back().gate().Close(deadline)) return absl::OkStatus();
    return absl::DeadlineExceededError(
        "an OnDelivery had not returned by the deadline of StopServing");
  }

  // What was settled has left when the settling call returned.
  absl::Status Flush(Deadline) { return absl::OkStatus(); }

 private:
  absl::StatusOr<MemoryConsumer*> AddConsumer(ServerEvents* events,
                                              ServingOptions options) {
    const std::lock_guard lock(serving_mutex_);
    if (serving_) {
      return absl::FailedPreconditionError(
          "StartServing was called while it serves; call StopServing first");
    }
    absl::StatusOr<MemoryQueue*> queue = options_.broker->Declare(
        options_.queue,
        options_.queue_options.value_or(options_.broker->options_.queue));
    if (!queue.ok()) return queue.status();
    if (queue_ == nullptr) queue_ = *queue;
    serving_ = true;
    Delivery::Origin* const origin = this;
    return &consumers_.emplace_back(events, options.prefetch, origin);
  }

  absl::Status Carry(Request&& request) {
    MemoryQueue* queue = destination_.load(std::memory_order_acquire);
    if (queue == nullptr) {
      queue = options_.broker->Find(options_.queue);
      if (queue == nullptr) return MemoryBroker::NoSuchQueue(options_.queue);
      destination_.store(queue, std::memory_order_release);
    }
    return queue->Publish(std::move(request));
  }

  // From Delivery::Origin.
  void Settle(std::uint64_t token, const Request& request,
              Settlement settlement, Reply* reply) override {
    if (reply != nullptr) {
      options_.broker->replies_.Send(request.reply_to, std::move(*reply));
    }
    queue_->Settle(token, settlement);
  }

  const Options options_;

  std::mutex calls_mutex_;
  std::optional<MemoryCaller> caller_;
  std::atomic<bool> calls_started_ = false;
  std::atomic<MemoryQueue*> destination_ = nullptr;

  std::mutex serving_mutex_;
  bool serving_ = false;
  MemoryQueue* queue_ = nullptr;
  // One for each StartServing: what it was given may be settled later.
  std::list<MemoryConsumer> consumers_;
};

}  // namespace rpc

#endif  // RPC_TRANSPORT_MEMORY_TRANSPORT_H_
