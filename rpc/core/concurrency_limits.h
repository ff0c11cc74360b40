#ifndef RPC_CORE_CONCURRENCY_LIMITS_H_
#define RPC_CORE_CONCURRENCY_LIMITS_H_

#include <algorithm>
#include <atomic>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"

namespace rpc::core {

// How many handlers of each method may run at the same time. Thread-safe.
class ConcurrencyLimits {
 public:
  // By method.
  using Limits = std::map<std::string, int>;

  // The right to run a handler, as long as this lives. Move-only.
  class Slot {
   public:
    explicit Slot(std::atomic<int>* free) : free_(free) {}
    Slot(Slot&& other) noexcept : free_(std::exchange(other.free_, nullptr)) {}
    Slot& operator=(Slot&&) = delete;
    ~Slot() {
      if (free_ != nullptr) ++*free_;
    }

   private:
    std::atomic<int>* free_;  // null: no limit
  };

  // INVALID_ARGUMENT for a limit below 1, or of a method that is not there.
  static absl::Status Validate(const Limits& limits,
                               std::initializer_list<std::string_view> known) {
    for (const auto& [method, limit] : limits) {
      if (std::find(known.begin(), known.end(), method) == known.end()) {
        return absl::InvalidArgumentError(
            "max_concurrent has a limit for \"" + method +
            "\", which is no method of this server's");
      }
      if (limit < 1) {
        return absl::InvalidArgumentError(
            "max_concurrent of \"" + method + "\" is " + std::to_string(limit) +
            "; it must be at least 1, or leave the method out");
      }
    }
    return absl::OkStatus();
  }

  explicit ConcurrencyLimits(const Limits& limits) {
    for (const auto& [method, limit] : limits) {
      free_.try_emplace(method, limit);
    }
  }

  // Nothing if as many run as may.
  std::optional<Slot> Take(std::string_view method) {
    const auto found = free_.find(method);
    if (found == free_.end()) return Slot(nullptr);
    int free = found->second;
    while (free > 0) {
      if (found->second.compare_exchange_weak(free, free - 1)) {
        return Slot(&found->second);
      }
    }
    return std::nullopt;
  }

 private:
  std::map<std::string, std::atomic<int>, std::less<>> free_;
};

}  // namespace rpc::core

#endif  // RPC_CORE_CONCURRENCY_LIMITS_H_
