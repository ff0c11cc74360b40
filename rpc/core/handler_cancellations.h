#ifndef RPC_CORE_HANDLER_CANCELLATIONS_H_
#define RPC_CORE_HANDLER_CANCELLATIONS_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "rpc/base/deadline.h"
#include "rpc/core/deadline_wheel.h"
#include "rpc/message/delivery.h"

namespace rpc::core {

// Tells handlers that run to stop: each at its deadline, those whose deliveries
// were lost, or all. One thread for all of them. Thread-safe.
class HandlerCancellations {
 public:
  // A handler that runs, as long as this lives. Not to be moved.
  class Running {
   public:
    // `of` may be null: nobody is told then.
    Running(HandlerCancellations* of, Deadline deadline,
            const Delivery::Origin* origin)
        : of_(of) {
      if (of_ != nullptr) index_ = of_->Add(source_, deadline, origin);
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() {
      if (of_ != nullptr) of_->Remove(index_);
    }

    std::stop_token token() const { return source_.get_token(); }

   private:
    HandlerCancellations* const of_;
    std::stop_source source_{std::nostopstate};
    std::uint32_t index_ = 0;
  };

  HandlerCancellations() : thread_([this] { Run(); }) {}
  ~HandlerCancellations() {
    {
      const std::lock_guard lock(mutex_);
      ending_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }
  HandlerCancellations(const HandlerCancellations&) = delete;
  HandlerCancellations& operator=(const HandlerCancellations&) = delete;

  // Those that run, and those that begin from now on.
  void CancelAll() {
    CancelIf([](const Entry&) { return true; }, true);
  }
  // Those that run for deliveries of `origin`.
  void CancelOf(const Delivery::Origin* origin) {
    CancelIf([&](const Entry& entry) { return entry.origin == origin; }, false);
  }

 private:
  struct Entry {
    // Without a state: nobody uses the entry.
    std::stop_source source{std::nostopstate};
    const Delivery::Origin* origin = nullptr;
  };
  using Sources = std::vector<std::stop_source>;

  std::uint32_t Add(std::stop_source& source, Deadline deadline,
                    const Delivery::Origin* origin) {
    source = std::stop_source();
    std::unique_lock lock(mutex_);
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(entries_.size()));
      entries_.emplace_back();
      deadlines_.Resize(entries_.size());
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    entries_[index] = {source, origin};
    deadlines_.Insert(index, deadline.at());
    const bool is_first = deadline.at() < wakes_at_;
    const bool is_cancelled = all_cancelled_;
    lock.unlock();
    if (is_first) wake_.notify_one();
    if (is_cancelled) source.request_stop();
    return index;
  }
  void Remove(std::uint32_t index) {
    const std::lock_guard lock(mutex_);
    deadlines_.Erase(index);
    entries_[index] = {};
    free_.push_back(index);
  }

  // Whoever waits for a stop is the user's, and not to run under the lock.
  static void Stop(Sources& sources) {
    for (std::stop_source& source : sources) source.request_stop();
    sources.clear();
  }

  template <typename Predicate>
  void CancelIf(Predicate predicate, bool later_ones) {
    Sources sources;
    {
      const std::lock_guard lock(mutex_);
      all_cancelled_ = all_cancelled_ || later_ones;
      for (const Entry& entry : entries_) {
        if (entry.source.stop_possible() && predicate(entry)) {
          sources.push_back(entry.source);
        }
      }
    }
    Stop(sources);
  }

  void Run() {
    Sources due;
    std::unique_lock lock(mutex_);
    while (!ending_) {
      deadlines_.Expire(Clock::now(), [&](std::uint32_t index) {
        due.push_back(entries_[index].source);
        deadlines_.Erase(index);
        deadlines_.Insert(index, kNever);
      });
      if (!due.empty()) {
        lock.unlock();
        Stop(due);
        lock.lock();
        continue;
      }
      wakes_at_ = deadlines_.NextExpiry();
      if (wakes_at_ >= kNever) {
        wake_.wait(lock);
      } else {
        wake_.wait_until(lock, wakes_at_);
      }
      wakes_at_ = TimePoint();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> free_;
  DeadlineWheel deadlines_;
  // Of the thread. Nothing is earlier than the beginning of time: it is awake.
  TimePoint wakes_at_;
  bool all_cancelled_ = false;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace rpc::core

#endif  // RPC_CORE_HANDLER_CANCELLATIONS_H_
