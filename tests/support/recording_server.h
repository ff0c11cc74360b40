#ifndef RPC_TESTS_SUPPORT_RECORDING_SERVER_H_
#define RPC_TESTS_SUPPORT_RECORDING_SERVER_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "rpc/message/delivery.h"
#include "rpc/transport/transport_policy.h"

namespace rpc::testing {

// Keeps a delivery for ever, unsettled: what a server that dies does. Its
// transport may then be destroyed.
inline void Abandon(Delivery delivery) {
  static std::mutex mutex;
  static auto* const graves = new std::vector<Delivery*>();
  const std::lock_guard lock(mutex);
  graves->push_back(new Delivery(std::move(delivery)));
}

// A serving half that keeps what it is given until the test takes it, or hands
// it to a function at once. Thread-safe. Before its transport is destroyed, all
// is to be taken, dropped or abandoned.
class RecordingServer final : public ServerEvents {
 public:
  using Handle = std::function<void(Delivery)>;

  RecordingServer() = default;
  // Hands each delivery to `handle`, without a lock.
  explicit RecordingServer(Handle handle) : handle_(std::move(handle)) {}

  void OnServing() override {
    const std::lock_guard lock(mutex_);
    ++servings_;
    changed_.notify_all();
  }
  void OnDelivery(Delivery delivery) override {
    {
      const std::lock_guard lock(mutex_);
      ids_.emplace_back(delivery.request().correlation_id.view());
      changed_.notify_all();
      if (!handle_ && !abandons_) {
        kept_.push_back(std::move(delivery));
        return;
      }
    }
    if (handle_) {
      handle_(std::move(delivery));
    } else {
      Abandon(std::move(delivery));
    }
  }
  void OnDropped() override {
    const std::lock_guard lock(mutex_);
    ++dropped_;
  }
  void OnInterrupted(const absl::Status& status) override {
    const std::lock_guard lock(mutex_);
    interruptions_.push_back(status);
    changed_.notify_all();
  }
  void OnRefused(const absl::Status& status) override { OnInterrupted(status); }

  // The next delivery that was kept, if there is one in time.
  std::optional<Delivery> Take(absl::Duration patience) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, absl::ToChronoNanoseconds(patience),
                      [&] { return !kept_.empty(); });
    if (kept_.empty()) return std::nullopt;
    std::optional<Delivery> delivery(std::move(kept_.front()));
    kept_.pop_front();
    return delivery;
  }

  // Waits until that many were delivered in all.
  bool WaitForDeliveries(std::size_t count, absl::Duration patience) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, absl::ToChronoNanoseconds(patience),
                             [&] { return ids_.size() >= count; });
  }
  bool WaitForServing(absl::Duration patience) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, absl::ToChronoNanoseconds(patience),
                             [&] { return servings_ > 0; });
  }

  // Drops what was kept, which answers it.
  void DropAll() {
    while (Take(absl::ZeroDuration()).has_value()) {
    }
  }
  // Abandons what was kept, and all that comes.
  void AbandonAll() {
    {
      const std::lock_guard lock(mutex_);
      abandons_ = true;
    }
    while (std::optional<Delivery> kept = Take(absl::ZeroDuration())) {
      Abandon(*std::move(kept));
    }
  }

  // How many there were so far.
  std::size_t deliveries() const {
    const std::lock_guard lock(mutex_);
    return ids_.size();
  }
  int dropped() const {
    const std::lock_guard lock(mutex_);
    return dropped_;
  }
  // The correlation ids of all deliveries, in order.
  std::vector<std::string> ids() const {
    const std::lock_guard lock(mutex_);
    return ids_;
  }
  std::vector<absl::Status> interruptions() const {
    const std::lock_guard lock(mutex_);
    return interruptions_;
  }

 private:
  const Handle handle_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Delivery> kept_;
  std::vector<std::string> ids_;
  std::vector<absl::Status> interruptions_;
  int servings_ = 0;
  int dropped_ = 0;
  bool abandons_ = false;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_SUPPORT_RECORDING_SERVER_H_
