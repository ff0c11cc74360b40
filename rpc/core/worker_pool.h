#ifndef RPC_CORE_WORKER_POOL_H_
#define RPC_CORE_WORKER_POOL_H_

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "rpc/base/deadline.h"
#include "rpc/core/ring_queue.h"

namespace rpc::core {

// Threads that run `run(task)` for each task, first in first out.
// Thread-safe.
template <typename Task>
class WorkerPool {
 public:
  // At least one thread.
  WorkerPool(int threads, std::function<void(Task&&)> run)
      : run_(std::move(run)) {
    threads_.reserve(static_cast<std::size_t>(threads));
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
  }
  ~WorkerPool() { Join(); }
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Runs what is queued, and what those tasks append, then ends the threads.
  // Not from within a task; what comes afterwards is never run.
  void Join() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  // Several tasks may be appended before one Wake(), without which they may
  // stay where they are.
  void Append(Task&& task) {
    const std::lock_guard lock(mutex_);
    queue_.Push(std::move(task));
  }
  void Wake() {
    std::size_t wanted = 0;
    {
      const std::lock_guard lock(mutex_);
      wanted = std::min(queue_.size(), sleeping_);
    }
    for (; wanted > 0; --wanted) wake_.notify_one();
  }

  // Appends and wakes, unless `limit` tasks wait; `task` is moved from if it
  // was taken.
  bool TryPush(Task& task, std::size_t limit) {
    bool wake = false;
    {
      const std::lock_guard lock(mutex_);
      if (queue_.size() >= limit + sleeping_) return false;
      queue_.Push(std::move(task));
      wake = sleeping_ > 0;
    }
    if (wake) wake_.notify_one();
    return true;
  }

  // The next task that no thread has begun, taken off the queue.
  std::optional<Task> TakeQueued() {
    const std::lock_guard lock(mutex_);
    std::optional<Task> task = queue_.Pop();
    if (running_ == 0 && queue_.empty()) idle_.notify_all();
    return task;
  }

  // Until nothing is queued nor running, or `deadline`. False if it passed.
  bool WaitIdle(Deadline deadline) {
    std::unique_lock lock(mutex_);
    const auto idle = [&] { return queue_.empty() && running_ == 0; };
    if (!deadline.is_never()) {
      return idle_.wait_until(lock, deadline.at(), idle);
    }
    idle_.wait(lock, idle);
    return true;
  }

 private:
  void Work() {
    std::unique_lock lock(mutex_);
    while (true) {
      std::optional<Task> task = queue_.Pop();
      if (task.has_value()) {
        ++running_;
        lock.unlock();
        run_(*std::move(task));
        task.reset();
        lock.lock();
        --running_;
        if (running_ == 0 && queue_.empty()) idle_.notify_all();
      } else if (stopping_) {
        return;
      } else {
        ++sleeping_;
        wake_.wait(lock);
        --sleeping_;
      }
    }
  }

  const std::function<void(Task&&)> run_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  RingQueue<Task> queue_;
  std::size_t sleeping_ = 0;
  int running_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace rpc::core

#endif  // RPC_CORE_WORKER_POOL_H_
