#ifndef TESTS_AMQP_RECORDING_DRIVER_H_
#define TESTS_AMQP_RECORDING_DRIVER_H_

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "rpc/amqp/connection.h"
#include "rpc/amqp/ending.h"
#include "rpc/amqp/session.h"
#include "rpc/base/deadline.h"

namespace rpc::amqp {

// A Connection::Driver that remembers what it was told and lets a test wait for
// it. The hooks run on the I/O thread.
class RecordingDriver : public Connection::Driver {
 public:
  std::function<void(Session&, TimePoint)> on_up = [](Session&, TimePoint) {};
  std::function<void()> on_read = [] {};
  std::function<TimePoint(Session*, TimePoint)> on_turn =
      [](Session*, TimePoint) { return kNever; };

  void OnUp(Session& session, TimePoint now) override {
    on_up(session, now);
    Change([&] { ++ups_; });
  }
  void OnDown(const absl::Status& status, Retry retry) override {
    Change([&] { downs_.push_back({status, retry}); });
  }
  void OnRead() override { on_read(); }
  TimePoint OnTurn(Session* session, TimePoint now) override {
    return on_turn(session, now);
  }

  // True if `condition`, evaluated under the lock after each change, came true
  // within ten seconds.
  template <typename Condition>
  bool WaitUntil(Condition condition) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), condition);
  }
  bool WaitForUps(int count) {
    return WaitUntil([&] { return ups_ >= count; });
  }
  bool WaitForDowns(std::size_t count) {
    return WaitUntil([&] { return downs_.size() >= count; });
  }

  // Changes what a condition of WaitUntil() looks at.
  template <typename Effect>
  void Change(Effect effect) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      effect();
    }
    changed_.notify_all();
  }

  std::vector<Ending> downs() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return downs_;
  }
  int ups() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return ups_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int ups_ = 0;
  std::vector<Ending> downs_;
};

}  // namespace rpc::amqp

#endif  // TESTS_AMQP_RECORDING_DRIVER_H_
