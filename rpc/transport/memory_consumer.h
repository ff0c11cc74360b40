#ifndef RPC_TRANSPORT_MEMORY_CONSUMER_H_
#define RPC_TRANSPORT_MEMORY_CONSUMER_H_

#include <utility>

#include "rpc/message/delivery.h"
#include "rpc/transport/memory_event_gate.h"
#include "rpc/transport/memory_event_scope.h"
#include "rpc/transport/transport_policy.h"

namespace rpc {

// The serving half of a transport as its queue knows it.
class MemoryConsumer {
 public:
  // `origin` settles what is delivered.
  MemoryConsumer(ServerEvents* events, int prefetch, Delivery::Origin* origin)
      : events_(events), prefetch_(prefetch), origin_(origin) {}

  ServerEvents& events() { return *events_; }
  MemoryEventGate& gate() { return gate_; }
  Delivery::Origin* origin() { return origin_; }

  // Tells that a request was dropped and leaves the gate, which was entered.
  void TakeDropped() {
    const MemoryEventScope scope;
    events_->OnDropped();
    gate_.Leave();
  }

  // Tells the delivery and leaves the gate, which was entered.
  void Take(Delivery&& delivery) {
    MemoryEventScope scope;
    if (scope.must_defer()) {
      scope.Defer([this, delivery = std::move(delivery)]() mutable {
        Tell(std::move(delivery));
      });
    } else {
      Tell(std::move(delivery));
    }
  }

 private:
  friend class MemoryConsumerRing;
  friend class MemoryQueue;

  void Tell(Delivery&& delivery) {
    events_->OnDelivery(std::move(delivery));
    gate_.Leave();
  }

  ServerEvents* const events_;
  const int prefetch_;
  Delivery::Origin* const origin_;
  MemoryEventGate gate_;

  // Under the queue's lock.
  int unsettled_ = 0;
  bool detached_ = false;
  bool in_ring_ = false;
  MemoryConsumer* next_ = nullptr;
};

// The consumers of one queue that may be given a message, in turn, as RabbitMQ
// does it: whoever was given one goes to the end; whoever has its turn and may
// have no more leaves until it has settled one, and comes back at the end.
class MemoryConsumerRing {
 public:
  void PushBack(MemoryConsumer* consumer) {
    consumer->in_ring_ = true;
    consumer->next_ = nullptr;
    (last_ == nullptr ? first_ : last_->next_) = consumer;
    last_ = consumer;
  }

  // True if somebody may be given a message.
  bool HasNext() {
    while (first_ != nullptr && first_->unsettled_ >= first_->prefetch_) {
      Erase(first_);
    }
    return first_ != nullptr;
  }

  // Whose turn it is, after HasNext().
  MemoryConsumer* Next() {
    MemoryConsumer* const consumer = first_;
    Erase(consumer);
    PushBack(consumer);
    return consumer;
  }

  void Erase(MemoryConsumer* consumer) {
    MemoryConsumer* before = nullptr;
    for (MemoryConsumer* at = first_; at != nullptr; at = at->next_) {
      if (at == consumer) {
        (before == nullptr ? first_ : before->next_) = at->next_;
        if (last_ == at) last_ = before;
        at->in_ring_ = false;
        return;
      }
      before = at;
    }
  }

 private:
  MemoryConsumer* first_ = nullptr;
  MemoryConsumer* last_ = nullptr;
};

}  // namespace rpc

#endif  // RPC_TRANSPORT_MEMORY_CONSUMER_H_
