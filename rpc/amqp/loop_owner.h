#ifndef RPC_AMQP_LOOP_OWNER_H_
#define RPC_AMQP_LOOP_OWNER_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "absl/time/time.h"

namespace rpc::amqp {

// Says who runs a connection's loop, one thread at a time: the I/O thread, a
// caller who has borrowed it, or nobody while the I/O thread rests.
//
// The I/O thread's own, then asked for (Ask), borrowed (Lend), free (Return),
// borrowed again (TryBorrow), free, ..., and the I/O thread's own again: when
// it is recalled, or nobody has borrowed it for a while.
//
// All that the loop touches belongs to who runs it: whoever takes it sees what
// its last owner did. Thread-safe.
class LoopOwner {
 public:
  static constexpr absl::Duration kRest = absl::Milliseconds(20);

  // A free loop that nobody borrows for a whole `rest` is the I/O thread's
  // again before a second one has passed: what is due on an idle connection is
  // late by that.
  explicit LoopOwner(absl::Duration rest = kRest)
      : rest_(absl::ToChronoMicroseconds(rest)) {}

  // Takes the loop if it is free.
  bool TryBorrow() {
    if (!Change(State::kFree, State::kBorrowed)) return false;
    Take();
    return true;
  }

  // Asks the I/O thread for the loop; Await() must follow, and somebody has to
  // wake that thread. False if it does not run the loop or was asked already.
  bool Ask() { return Change(State::kOfIoThread, State::kAsked); }

  // Until the I/O thread, between two turns, has lent the loop to who asked.
  void Await() {
    state_.wait(State::kAsked);
    Take();
  }

  // By who has borrowed it: frees the loop.
  void Return() {
    runner_.store(std::thread::id(), std::memory_order_relaxed);
    state_.store(State::kFree);
  }

  // If the loop is free, the I/O thread takes it back at once.
  void Recall() {
    if (state_.load() != State::kFree) return;
    if (!Change(State::kFree, State::kOfIoThread)) return;
    { const std::lock_guard<std::mutex> lock(mutex_); }
    recalled_.notify_one();
  }

  // The rest is the I/O thread's, which begins with Take().
  void Take() {
    runner_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    loans_.fetch_add(1, std::memory_order_relaxed);
  }

  bool asked() const { return state_.load() == State::kAsked; }

  // Lends the loop to who asked, and rests until it is the I/O thread's again.
  void Lend() {
    std::unique_lock<std::mutex> lock(mutex_);
    std::uint64_t loans = loans_.load(std::memory_order_relaxed);
    state_.store(State::kBorrowed);
    state_.notify_one();
    const auto is_back = [&] {
      const State state = state_.load();
      return state == State::kOfIoThread || state == State::kAsked;
    };
    while (!recalled_.wait_for(lock, rest_, is_back)) {
      const std::uint64_t before = loans;
      loans = loans_.load(std::memory_order_relaxed);
      if (loans == before && Change(State::kFree, State::kOfIoThread)) break;
    }
    Take();
  }

  // Nobody gets the loop any more.
  void Close() {
    while (!Change(State::kOfIoThread, State::kClosed)) Lend();
  }

  // Whether the calling thread runs the loop: for assertions.
  bool IsMine() const {
    return runner_.load(std::memory_order_relaxed) ==
           std::this_thread::get_id();
  }

 private:
  enum class State { kOfIoThread, kAsked, kBorrowed, kFree, kClosed };

  bool Change(State from, State to) {
    return state_.compare_exchange_strong(from, to);
  }

  const std::chrono::microseconds rest_;
  std::atomic<State> state_{State::kOfIoThread};
  // How often the loop was taken, and by whom last.
  std::atomic<std::uint64_t> loans_{0};
  std::atomic<std::thread::id> runner_{};
  std::mutex mutex_;
  std::condition_variable recalled_;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_LOOP_OWNER_H_
