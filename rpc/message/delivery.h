#ifndef RPC_MESSAGE_DELIVERY_H_
#define RPC_MESSAGE_DELIVERY_H_

#include <concepts>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "rpc/base/status.h"
#include "rpc/message/envelope.h"

namespace rpc {

// How a server's transport is told to settle what it delivered.
enum class Settlement {
  kAck,      // done with
  kRequeue,  // given back: another server gets it, marked redelivered
  kReject,   // discarded, or dead-lettered where the queue says so
};

// A request in the hands of a server, to be settled exactly once: a settling
// call ends it. One that is dropped is answered INTERNAL and acknowledged, so
// that no caller waits for a request that was forgotten.
//
// Move-only; to be used by one thread at a time; must not outlive the
// transport that delivered it.
class Delivery {
 public:
  // Where a delivery came from. Implementations are thread-safe.
  class Origin {
   public:
    // Called once for each delivery. A `reply`, where there is one, leaves
    // before the settlement does; it is moved from.
    virtual void Settle(std::uint64_t token, const Request& request,
                        Settlement settlement, Reply* reply) = 0;

   protected:
    ~Origin() = default;
  };

  struct Facts {
    // A server had it before and did not settle it: it may have run.
    bool redelivered = false;
    // How often it was delivered before, where the queue counts that.
    int earlier_deliveries = 0;
  };

  template <std::convertible_to<Request> R>
  Delivery(R&& request, Facts facts, Origin* origin, std::uint64_t token)
      : request_(std::forward<R>(request)),
        facts_(facts),
        origin_(origin),
        token_(token) {}
  Delivery(Delivery&& other) noexcept
      : request_(std::move(other.request_)),
        facts_(other.facts_),
        origin_(std::exchange(other.origin_, nullptr)),
        token_(other.token_) {}
  Delivery& operator=(Delivery&&) = delete;
  ~Delivery() {
    if (origin_ == nullptr) return;
    std::move(*this).Answer(
        {.status = absl::InternalError("the server dropped the request")});
  }

  const Request& request() const { return request_; }
  const Facts& facts() const { return facts_; }
  const Origin* origin() const { return origin_; }

  // Sends `reply` to the caller, if it waits for one, then settles. The
  // correlation id is filled in here. What was redelivered may have run where
  // it was before: nobody says NotRun() of it.
  void Answer(Reply&& reply, Settlement settlement = Settlement::kAck) && {
    if (facts_.redelivered) {
      reply.status = WithoutNotRun(std::move(reply.status));
    }
    reply.correlation_id = ReplyIdOf(request_);
    Settle(settlement, request_.reply_to.empty() ? nullptr : &reply);
  }
  void Ack() && { Settle(Settlement::kAck, nullptr); }
  void Requeue() && { Settle(Settlement::kRequeue, nullptr); }
  void Reject() && { Settle(Settlement::kReject, nullptr); }

 private:
  void Settle(Settlement settlement, Reply* reply) {
    std::exchange(origin_, nullptr)
        ->Settle(token_, request_, settlement, reply);
  }

  Request request_;
  Facts facts_;
  Origin* origin_;
  std::uint64_t token_;
};

}  // namespace rpc

#endif  // RPC_MESSAGE_DELIVERY_H_
