#ifndef RPC_TRANSPORT_TRANSPORT_EVENTS_H_
#define RPC_TRANSPORT_TRANSPORT_EVENTS_H_

#include <span>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "rpc/base/deadline.h"
#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"

// What a transport tells the endpoint: see transport_policy.h.
namespace rpc {

// What a transport tells the calling half. Implemented by the library.
class CallEvents {
 public:
  // Asked once before an accepted request leaves for good. False: its call is
  // over, the request must not be carried.
  virtual bool Claim(std::string_view correlation_id) = 0;
  // A server's reply, or what the transport knows of one request: NotRun() if
  // it was not served.
  virtual void OnReply(Reply reply) = 0;
  // Those that came together; they are moved from. The same as one by one, but
  // whoever has to be woken for them is woken once.
  virtual void OnReplies(std::span<Reply> replies) {
    for (Reply& reply : replies) OnReply(std::move(reply));
  }
  // Nothing that was claimed will be answered any more.
  virtual void OnLost(const absl::Status& status) = 0;
  // Nothing will be carried any more, claimed or not: it cannot heal.
  virtual void OnRefused(const absl::Status& status) = 0;
  // Called by the deadline of each accepted request; when next, at the latest.
  virtual TimePoint OnTime(TimePoint now) = 0;

 protected:
  ~CallEvents() = default;
};

// What a transport tells the serving half. Implemented by the library.
class ServerEvents {
 public:
  // Requests are taken from now on. Again after each interruption.
  virtual void OnServing() = 0;
  virtual void OnDelivery(Delivery delivery) = 0;
  // A request was acknowledged and not handed out: it asks for a reply where
  // none may be sent.
  virtual void OnDropped() {}
  // Deliveries not settled are lost and will come again, here or elsewhere; the
  // transport heals by itself.
  virtual void OnInterrupted(const absl::Status& status) = 0;
  // The deliveries of this origin are lost that are not settled: their replies
  // will be dropped, so that there is no use in finishing them.
  virtual void OnDeliveriesLost(const Delivery::Origin&) {}
  // The transport cannot serve, and trying again would not help.
  virtual void OnRefused(const absl::Status& status) = 0;

 protected:
  ~ServerEvents() = default;
};

}  // namespace rpc

#endif  // RPC_TRANSPORT_TRANSPORT_EVENTS_H_
