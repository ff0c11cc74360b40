#ifndef RPC_TESTS_CORE_SETTLEMENTS_H_
#define RPC_TESTS_CORE_SETTLEMENTS_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"

namespace rpc::testing {

// A transport's half of deliveries: writes down how each was settled.
class Settlements final : public Delivery::Origin {
 public:
  struct Settled {
    Settlement settlement;
    std::optional<Reply> reply;
  };

  Delivery Deliver(std::uint64_t token, Request request = {},
                   Delivery::Facts facts = {}) {
    request.reply_to = "somewhere";
    return Delivery(std::move(request), facts, this, token);
  }

  // How that delivery was settled; nothing if it was not, or twice.
  std::optional<Settled> Of(std::uint64_t token) {
    const std::lock_guard lock(mutex_);
    const std::vector<Settled>& all = settled_[token];
    if (all.size() != 1) return std::nullopt;
    return all.front();
  }
  std::optional<Settlement> SettlementOf(std::uint64_t token) {
    const auto settled = Of(token);
    if (!settled.has_value()) return std::nullopt;
    return settled->settlement;
  }

 private:
  void Settle(std::uint64_t token, const Request&, Settlement settlement,
              Reply* reply) override {
    const std::lock_guard lock(mutex_);
    std::optional<Reply> copy;
    if (reply != nullptr) copy = *reply;
    settled_[token].push_back({settlement, std::move(copy)});
  }

  std::mutex mutex_;
  std::map<std::uint64_t, std::vector<Settled>> settled_;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_CORE_SETTLEMENTS_H_
