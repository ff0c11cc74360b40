#ifndef RPC_CORE_CALLBACK_QUEUE_H_
#define RPC_CORE_CALLBACK_QUEUE_H_

#include <atomic>
#include <mutex>
#include <optional>
#include <utility>

#include "rpc/core/ring_queue.h"
#include "rpc/core/worker_pool.h"
#include "rpc/message/envelope.h"

namespace rpc::core {

// What follows a call's end: user code. Owns itself from the moment that it is
// added to a CallbackQueue.
class Continuation {
 public:
  virtual void Run(Reply&& reply) = 0;

 protected:
  ~Continuation() = default;
};

// Where callbacks run: on threads of its own, which begin with the first one,
// or with no threads at once, where they are added. Thread-safe.
class CallbackQueue {
 public:
  explicit CallbackQueue(int threads) : threads_(threads) {}
  CallbackQueue(const CallbackQueue&) = delete;
  CallbackQueue& operator=(const CallbackQueue&) = delete;

  // Threads that sleep are woken by Flush().
  void Add(Continuation* continuation, Reply&& reply) {
    if (threads_ < 1) return RunHere(continuation, std::move(reply));
    std::call_once(started_, [this] {
      pool_.store(&own_pool_.emplace(threads_, [](Completed&& completed) {
        completed.continuation->Run(std::move(completed.reply));
      }));
    });
    pool_.load()->Append({continuation, std::move(reply)});
  }
  void Flush() {
    if (Pool* const pool = pool_.load()) pool->Wake();
  }

  // Runs what was added, and what that adds, then ends the threads. Once.
  void Join() {
    if (Pool* const pool = pool_.load()) pool->Join();
  }

  // This thread is within a callback that runs where it was added: it must not
  // wait for what that thread has to do.
  bool runs_here() const { return Here().queue == this; }

 private:
  struct Completed {
    Continuation* continuation;
    Reply reply;
  };
  using Pool = WorkerPool<Completed>;
  struct Thread {
    const CallbackQueue* queue = nullptr;
    RingQueue<Completed> waiting;
  };

  static Thread& Here() {
    static thread_local Thread thread;
    return thread;
  }

  // A callback may cause the next one; it runs when the first has returned, so
  // that the stack does not grow.
  void RunHere(Continuation* continuation, Reply&& reply) {
    Thread& here = Here();
    if (here.queue == this) {
      return here.waiting.Push({continuation, std::move(reply)});
    }
    const CallbackQueue* const outer = std::exchange(here.queue, this);
    RingQueue<Completed> outer_waiting = std::exchange(here.waiting, {});
    continuation->Run(std::move(reply));
    while (std::optional<Completed> next = here.waiting.Pop()) {
      next->continuation->Run(std::move(next->reply));
    }
    here.queue = outer;
    here.waiting = std::move(outer_waiting);
  }

  const int threads_;
  std::once_flag started_;
  // Null until the first callback.
  std::atomic<Pool*> pool_ = nullptr;
  std::optional<Pool> own_pool_;
};

}  // namespace rpc::core

#endif  // RPC_CORE_CALLBACK_QUEUE_H_
