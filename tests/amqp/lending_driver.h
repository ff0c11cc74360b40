#ifndef TESTS_AMQP_LENDING_DRIVER_H_
#define TESTS_AMQP_LENDING_DRIVER_H_

#include <atomic>
#include <thread>

#include "rpc/amqp/session.h"
#include "rpc/base/deadline.h"
#include "tests/amqp/recording_driver.h"

namespace rpc::amqp {

// A driver that lends the loop and counts who does its turns. A turn can be
// told to set `done`, which ends the loan that does it.
class LendingDriver final : public RecordingDriver {
 public:
  LendingDriver() {
    on_turn = [this](Session*, TimePoint) {
      if (ends_next_.exchange(false)) done = true;
      ++unguarded_;
      Change([&] {
        ++turns_;
        last_turn_by_ = std::this_thread::get_id();
      });
      return kNever;
    };
    on_up = [this](Session&, TimePoint) {
      Change([&] { up_by_ = std::this_thread::get_id(); });
    };
  }

  bool Lends() const override { return lends; }

  // The next turn sets `done`.
  void EndNext() {
    done = false;
    ends_next_ = true;
  }

  // Who did the last turn, or does the next.
  bool WaitForTurnBy(std::thread::id thread) {
    return WaitUntil([&] { return last_turn_by_ == thread; });
  }
  bool WaitForTurnByOtherThan(std::thread::id thread) {
    return WaitUntil([&] { return last_turn_by_ != thread; });
  }
  bool WaitForTurnsAfter(int count) {
    return WaitUntil([&] { return turns_ > count; });
  }

  int turns() {
    int turns = 0;
    Change([&] { turns = turns_; });
    return turns;
  }
  std::thread::id last_turn_by() {
    std::thread::id id;
    Change([&] { id = last_turn_by_; });
    return id;
  }
  std::thread::id up_by() {
    std::thread::id id;
    Change([&] { id = up_by_; });
    return id;
  }
  // Counted without a lock, which only one thread at a time may do.
  int unguarded() const { return unguarded_; }

  std::atomic<bool> lends{true};
  std::atomic<bool> done{false};

 private:
  std::atomic<bool> ends_next_{false};
  int unguarded_ = 0;
  int turns_ = 0;                 // this and the next two under the lock of
  std::thread::id last_turn_by_;  // WaitUntil
  std::thread::id up_by_;
};

}  // namespace rpc::amqp

#endif  // TESTS_AMQP_LENDING_DRIVER_H_
