#ifndef RPC_TRANSPORT_MEMORY_BROKER_H_
#define RPC_TRANSPORT_MEMORY_BROKER_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/memory_clock.h"
#include "rpc/transport/memory_queue.h"
#include "rpc/transport/memory_replies.h"
#include "rpc/transport/memory_timer.h"

namespace rpc {

// A message broker inside the process: what MemoryTransports meet at.
//
//   auto broker = std::make_shared<rpc::MemoryBroker>();
//   rpc::MemoryTransport server({.broker = broker, .queue = "fibonacci"});
//   rpc::MemoryTransport client({.broker = broker, .queue = "fibonacci"});
//
// It does what RabbitMQ does for RPC: named queues, competing servers with
// prefetch that take turns, acknowledgement, redelivery of what a server did
// not settle, expiry, a limit on a queue's length, and the return of requests
// that no queue takes. Queues last as long as the broker, as they do in
// RabbitMQ; messages do not outlive it.
//
// Thread-safe. There is no thread of its own but one that wakes callers at
// their deadlines; all else happens on the threads that submit and settle.
class MemoryBroker {
 public:
  struct Options {
    MemoryTime time = MemoryTime::kSystem;
    // Where the time starts, if it is manual.
    TimePoint start = TimePoint(std::chrono::hours(1));
    // Of queues whose servers give none.
    MemoryQueueOptions queue = {};
  };

  struct Counters {
    // Replies to callers that were gone.
    std::uint64_t unroutable_replies = 0;
  };

  MemoryBroker() : MemoryBroker(Options()) {}
  explicit MemoryBroker(Options options)
      : options_(options), clock_(options.time, options.start) {}
  MemoryBroker(const MemoryBroker&) = delete;
  MemoryBroker& operator=(const MemoryBroker&) = delete;

  // Makes the queue unless it is there. FAILED_PRECONDITION if it is there with
  // other options. The queue lives as long as the broker.
  absl::StatusOr<MemoryQueue*> Declare(const std::string& name,
                                       const MemoryQueueOptions& options) {
    const std::lock_guard lock(mutex_);
    MemoryQueue& queue =
        queues_.try_emplace(name, name, options, &clock_).first->second;
    if (queue.options() == options) return &queue;
    return absl::FailedPreconditionError(
        "queue \"" + name +
        "\" exists with other options; give those, or use another name");
  }

  // Null if nobody declared it.
  MemoryQueue* Find(std::string_view name) {
    const std::lock_guard lock(mutex_);
    const auto found = queues_.find(name);
    return found == queues_.end() ? nullptr : &found->second;
  }

  // Puts a request into a queue as it is, as any client of a broker might:
  // foreign ids, no reply address or somebody else's. UNAVAILABLE if there is
  // no such queue, RESOURCE_EXHAUSTED if it is full. A request whose reply
  // address no server would publish to is taken and never served: a server is
  // told OnDropped.
  absl::Status Publish(std::string_view queue, Request request) {
    MemoryQueue* const found = Find(queue);
    if (found == nullptr) return NoSuchQueue(queue);
    return found->Publish(std::move(request));
  }

  TimePoint Now() const { return clock_.Now(); }

  // Lets the time be `to`, unless it is later already, and wakes whoever is to
  // be woken until then, each at its time and in a fixed order, on this thread.
  // Only if the time is manual; not by two threads at once.
  void Advance(TimePoint to) { timer_.Advance(to); }
  // When Advance() wakes somebody next; kNever: nobody waits.
  TimePoint NextWakeUp() { return timer_.wakes_at(); }

  Counters counters() const {
    return {.unroutable_replies = replies_.unroutable()};
  }

  static absl::Status NoSuchQueue(std::string_view name) {
    return NotRun(absl::UnavailableError(
        "no queue \"" + std::string(name) +
        "\" on the MemoryBroker: no server has served it yet"));
  }

 private:
  friend class MemoryTransport;

  const Options options_;
  MemoryClock clock_;
  mutable std::mutex mutex_;
  std::map<std::string, MemoryQueue, std::less<>> queues_;
  MemoryReplies replies_;
  // Last: its thread uses what stands above.
  MemoryTimer timer_{&clock_};
};

}  // namespace rpc

#endif  // RPC_TRANSPORT_MEMORY_BROKER_H_
