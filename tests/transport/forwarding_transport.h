#ifndef RPC_TESTS_TRANSPORT_FORWARDING_TRANSPORT_H_
#define RPC_TESTS_TRANSPORT_FORWARDING_TRANSPORT_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "rpc/base/deadline.h"
#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/memory_transport.h"
#include "rpc/transport/transport_policy.h"

namespace rpc::testing {

// A MemoryTransport, seen from outside, each of whose steps can be overridden:
// to break one law at a time.
class ForwardingTransport : protected CallEvents,
                            protected ServerEvents,
                            protected Delivery::Origin {
 public:
  using Options = MemoryTransport::Options;
  static constexpr TransportTraits kTraits = MemoryTransport::kTraits;

  explicit ForwardingTransport(Options options) : inner_(std::move(options)) {}
  virtual ~ForwardingTransport() {
    // What was not settled goes back, as if there were no wrapping.
    inner_.StopServing(Deadline()).IgnoreError();
    for (auto& [token, delivery] : held_) std::move(delivery).Requeue();
  }

  absl::Status Open(Deadline deadline) { return inner_.Open(deadline); }
  std::string Describe() const { return inner_.Describe(); }
  absl::Status StartCalls(CallEvents* events) {
    calls_ = events;
    return inner_.StartCalls(this);
  }
  virtual absl::Status Submit(Request request) {
    return inner_.Submit(std::move(request));
  }
  virtual absl::Status StartServing(ServerEvents* events,
                                    ServingOptions options) {
    server_ = events;
    return inner_.StartServing(this, options);
  }
  virtual absl::Status StopServing(Deadline deadline) {
    return inner_.StopServing(deadline);
  }
  absl::Status Flush(Deadline deadline) { return inner_.Flush(deadline); }

 protected:
  CallEvents& calls() { return *calls_; }
  ServerEvents& server() { return *server_; }
  MemoryTransport& inner() { return inner_; }

  // A delivery with the facts and the settlement of `inner`.
  Delivery Hold(Delivery inner, Request request, Delivery::Facts facts) {
    const std::lock_guard lock(mutex_);
    const std::uint64_t token = ++tokens_;
    held_.emplace(token, std::move(inner));
    return Delivery(std::move(request), facts, this, token);
  }

  bool Claim(std::string_view id) override { return calls_->Claim(id); }
  void OnReply(Reply reply) override { calls_->OnReply(std::move(reply)); }
  void OnLost(const absl::Status& status) override { calls_->OnLost(status); }
  void OnRefused(const absl::Status& status) override {
    if (calls_ != nullptr) calls_->OnRefused(status);
    if (server_ != nullptr) server_->OnRefused(status);
  }
  TimePoint OnTime(TimePoint now) override { return calls_->OnTime(now); }

  void OnServing() override { server_->OnServing(); }
  void OnDelivery(Delivery delivery) override {
    const Request request = delivery.request();
    const Delivery::Facts facts = delivery.facts();
    server_->OnDelivery(Hold(std::move(delivery), request, facts));
  }
  void OnDropped() override { server_->OnDropped(); }
  void OnInterrupted(const absl::Status& status) override {
    server_->OnInterrupted(status);
  }
  void OnDeliveriesLost(const Delivery::Origin&) override {
    const Delivery::Origin& origin = *this;
    server_->OnDeliveriesLost(origin);
  }

  void Settle(std::uint64_t token, const Request&, Settlement settlement,
              Reply* reply) override {
    std::optional<Delivery> delivery = Release(token);
    if (delivery.has_value()) {
      SettleInner(*std::move(delivery), settlement, reply);
    }
  }
  virtual void SettleInner(Delivery delivery, Settlement settlement,
                           Reply* reply) {
    if (reply != nullptr) {
      std::move(delivery).Answer(Reply(*reply), settlement);
    } else if (settlement == Settlement::kAck) {
      std::move(delivery).Ack();
    } else if (settlement == Settlement::kRequeue) {
      std::move(delivery).Requeue();
    } else {
      std::move(delivery).Reject();
    }
  }

 private:
  std::optional<Delivery> Release(std::uint64_t token) {
    const std::lock_guard lock(mutex_);
    const auto found = held_.find(token);
    if (found == held_.end()) return std::nullopt;
    std::optional<Delivery> delivery(std::move(found->second));
    held_.erase(found);
    return delivery;
  }

  MemoryTransport inner_;
  CallEvents* calls_ = nullptr;
  ServerEvents* server_ = nullptr;
  std::mutex mutex_;
  std::uint64_t tokens_ = 0;
  std::map<std::uint64_t, Delivery> held_;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_TRANSPORT_FORWARDING_TRANSPORT_H_
