#ifndef RPC_TRANSPORT_MEMORY_QUEUE_H_
#define RPC_TRANSPORT_MEMORY_QUEUE_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/memory_clock.h"
#include "rpc/transport/memory_consumer.h"
#include "rpc/transport/memory_message_store.h"

namespace rpc {

// What whoever declares a queue says of it.
struct MemoryQueueOptions {
  // The most requests that wait, those in the hands of servers not counted;
  // what comes beyond is refused, as by RabbitMQ's reject-publish. If unset:
  // any number.
  std::optional<std::size_t> max_length = std::nullopt;
  // Tells each delivery how many came before it, as RabbitMQ's quorum queues
  // do.
  bool counts_deliveries = false;

  friend bool operator==(const MemoryQueueOptions&,
                         const MemoryQueueOptions&) = default;
};

// A queue of a MemoryBroker, with the semantics of RabbitMQ's classic queues.
// Thread-safe; tells its consumers of deliveries on the threads that call it,
// not under its lock.
class MemoryQueue {
 public:
  // Borrows the clock.
  MemoryQueue(std::string name, MemoryQueueOptions options,
              const MemoryClock* clock)
      : name_(std::move(name)), options_(options), clock_(clock) {}
  MemoryQueue(const MemoryQueue&) = delete;
  MemoryQueue& operator=(const MemoryQueue&) = delete;

  const std::string& name() const { return name_; }
  const MemoryQueueOptions& options() const { return options_; }

  // RESOURCE_EXHAUSTED if the queue is full.
  absl::Status Publish(Request&& request) {
    // A message's time to live has whole milliseconds on the wire, rounded up.
    const TimePoint expires_at =
        TimePoint(std::chrono::ceil<std::chrono::milliseconds>(
            request.deadline.at().time_since_epoch()));
    std::unique_lock lock(mutex_);
    if (IsFull()) return NotRun(Full());
    const bool is_first = messages_.ready() == 0;
    messages_.Append(std::move(request), expires_at);
    // What need not wait cannot have expired.
    if (!is_first || !consumers_.HasNext()) DropExpired();
    DeliverReady(lock);
    return absl::OkStatus();
  }

  // From now on `consumer` competes for the messages, unless it was detached.
  void Attach(MemoryConsumer* consumer) {
    std::unique_lock lock(mutex_);
    if (consumer->detached_) return;
    consumers_.PushBack(consumer);
    DropExpired();
    DeliverReady(lock);
  }

  // `consumer` is given no more than what has entered its gate by now. What it
  // has not settled stays in its hands.
  void Detach(MemoryConsumer* consumer) {
    const std::lock_guard lock(mutex_);
    consumers_.Erase(consumer);
    consumer->detached_ = true;
  }

  // Ends the delivery of that token; nothing if that was done before.
  void Settle(std::uint64_t token, Settlement settlement) {
    std::unique_lock lock(mutex_);
    MemoryMessage* const message = messages_.Find(token);
    if (message == nullptr) return;
    MemoryConsumer* const consumer = message->consumer;
    --consumer->unsettled_;
    if (settlement == Settlement::kRequeue) {
      GiveBack(*message, token);
    } else {
      messages_.EraseUnsettled(token);
    }
    if (!consumer->detached_ && !consumer->in_ring_) {
      consumers_.PushBack(consumer);
    }
    DropExpired();
    DeliverReady(lock);
  }

  // Gives back what a detached consumer has not settled.
  void GiveBackAll(MemoryConsumer* consumer) {
    std::unique_lock lock(mutex_);
    messages_.ForEachOf(consumer, [&](std::uint64_t token) {
      GiveBack(*messages_.Find(token), token);
    });
    consumer->unsettled_ = 0;
    DropExpired();
    DeliverReady(lock);
  }

  // The number of messages that wait.
  std::size_t ready() {
    const std::lock_guard lock(mutex_);
    DropExpired();
    return messages_.ready();
  }

 private:
  bool IsFull() {
    if (!options_.max_length.has_value()) return false;
    if (messages_.ready() < *options_.max_length) return false;
    DropExpired();
    return messages_.ready() >= *options_.max_length;
  }

  absl::Status Full() const {
    return absl::ResourceExhaustedError(
        "queue \"" + name_ +
        "\" is full: " + std::to_string(*options_.max_length) +
        " requests wait, as many as its max_length allows");
  }

  // As in RabbitMQ, a message that is not the first one expires only when it
  // becomes it.
  void DropExpired() {
    std::optional<TimePoint> now;
    while (messages_.ready() > 0) {
      const TimePoint expires_at = messages_.front().expires_at;
      if (expires_at >= kNever) return;
      if (!now.has_value()) now = clock_->Now();
      if (expires_at > *now) return;
      messages_.EraseFront();
    }
  }

  void GiveBack(MemoryMessage& message, std::uint64_t token) {
    message.facts.redelivered = true;
    if (options_.counts_deliveries) ++message.facts.earlier_deliveries;
    messages_.GiveBack(token);
  }

  // The first message, if there is one, has not expired. Lets go of the lock
  // for each delivery.
  void DeliverReady(std::unique_lock<std::mutex>& lock) {
    while (messages_.ready() > 0 && consumers_.HasNext()) {
      MemoryConsumer* const consumer = consumers_.Next();
      consumer->gate().Enter();
      if (messages_.front().refused) {
        messages_.EraseFront();
        lock.unlock();
        consumer->TakeDropped();
        lock.lock();
        DropExpired();
        continue;
      }
      ++consumer->unsettled_;
      const MemoryMessage& message = messages_.front();
      const std::uint64_t token = messages_.Deliver(consumer);
      Delivery delivery(message.request, message.facts, consumer->origin(),
                        token);
      const bool was_last = messages_.ready() == 0;
      lock.unlock();
      consumer->Take(std::move(delivery));
      if (was_last) return;
      lock.lock();
      DropExpired();
    }
  }

  const std::string name_;
  const MemoryQueueOptions options_;
  const MemoryClock* const clock_;
  std::mutex mutex_;
  MemoryMessageStore messages_;
  MemoryConsumerRing consumers_;
};

}  // namespace rpc

#endif  // RPC_TRANSPORT_MEMORY_QUEUE_H_
