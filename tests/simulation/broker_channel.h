#ifndef TESTS_SIMULATION_BROKER_CHANNEL_H_
#define TESTS_SIMULATION_BROKER_CHANNEL_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "rpc/amqp/content_header.h"
#include "rpc/amqp/frames.h"
#include "rpc/amqp/rabbitmq_c.h"
#include "rpc/base/status.h"
#include "rpc/message/reply_allow_list.h"
#include "tests/simulation/broker_message.h"
#include "tests/simulation/world.h"

namespace rpc::simulation {

// A delivery in the hands of a server.
struct Unsettled {
  BrokerMessage* message;
  std::string queue;
  bool is_answered = false;

  // True if it waits for that reply.
  bool TakeReply(const BrokerMessage& reply) {
    const std::string_view id = reply.properties.correlation_id;
    const amqp::Properties& request = message->properties;
    const bool is_its_own =
        request.reply_to == reply.routing_key &&
        (request.correlation_id == id || request.message_id == id);
    return is_its_own && !std::exchange(is_answered, true);
  }
};

// One channel as the broker sees it, and what a server must keep to on it:
// settles each delivery once, answers it before, and nobody else.
class BrokerChannel {
 public:
  struct Consumer {
    std::string queue;
    std::string_view tag;
    bool takes_acks;
  };
  BrokerChannel(World* world, std::uint16_t number)
      : world_(*world), number_(number) {}

  std::uint16_t number() const { return number_; }

  bool HasRoom() const {
    return consumer.has_value() && !is_closing &&
           (!consumer->takes_acks || prefetch == 0 ||
            unsettled_.size() < prefetch);
  }
  // Returns the delivery's tag.
  std::uint64_t Deliver(BrokerMessage* message, std::string queue) {
    const std::uint64_t tag = ++delivered_;
    if (consumer->takes_acks) {
      unsettled_[tag] = {message, std::move(queue)};
    } else if (prefetch > 0) {
      given_.push_back({message, std::move(queue)});
    }
    return tag;
  }

  // A message is published, in pieces. True: it has arrived.
  void Begin(const amqp_basic_publish_t& publish) {
    arriving_ = BrokerMessage();
    arriving_.exchange = amqp::ToView(publish.exchange);
    arriving_.routing_key = amqp::ToView(publish.routing_key);
    is_mandatory_ = publish.mandatory;
  }
  bool AddHeader(std::string_view payload) {
    amqp::frame::ContentHeader header;
    if (!headers_.Decode(payload, &header).ok()) {
      world_.Violate("a malformed content header");
      return false;
    }
    arriving_.properties = std::move(*header.properties);
    missing_ = static_cast<std::size_t>(header.body_size);
    return missing_ == 0;
  }
  bool AddBody(std::string_view bytes) {
    arriving_.body += bytes;
    missing_ -= bytes.size();
    return missing_ == 0;
  }
  const BrokerMessage& arrived() const { return arriving_; }
  bool is_mandatory() const { return is_mandatory_; }

  // The confirm of all publishes up to that one, if it is still due.
  std::optional<amqp::frame::Ack> TakeConfirm(std::uint64_t up_to) {
    if (up_to <= confirmed_ || is_closing) return std::nullopt;
    const bool is_one = up_to == confirmed_ + 1;
    confirmed_ = up_to;
    return amqp::frame::Ack{up_to, !is_one};
  }

  // A reply was published: to one who waits for it, once.
  void Answer(const BrokerMessage& reply, std::vector<Unsettled>& orphans) {
    for (auto& [tag, delivery] : unsettled_) {
      if (delivery.TakeReply(reply)) return;
    }
    for (auto* const given : {&given_, &orphans}) {
      for (Unsettled& delivery : *given) {
        if (delivery.TakeReply(reply)) return;
      }
    }
    world_.Violate(absl::StrCat("a reply was published to ", reply.routing_key,
                                " that nobody there had asked for"));
  }

  // Calls `over(delivery)` for each that is settled. False: there is none.
  template <typename Over>
  bool Ack(std::uint64_t tag, bool multiple, Over over) {
    if (unsettled_.count(tag) == 0) {
      Unknown("acknowledged", tag);
      return false;
    }
    auto at = multiple ? unsettled_.begin() : unsettled_.find(tag);
    while (at != unsettled_.end() && at->first <= tag) {
      CheckAnswered(at->second);
      over(at->second);
      at = unsettled_.erase(at);
    }
    return true;
  }

  std::optional<Unsettled> Reject(std::uint64_t tag, bool requeue) {
    const auto found = unsettled_.find(tag);
    if (found == unsettled_.end()) {
      Unknown("rejected", tag);
      return std::nullopt;
    }
    const Unsettled delivery = found->second;
    unsettled_.erase(found);
    if (requeue && delivery.is_answered) {
      world_.Violate("a request was given back after it was answered");
    }
    return delivery;
  }

  std::map<std::uint64_t, Unsettled> TakeUnsettled() {
    return std::exchange(unsettled_, {});
  }
  // Those that it was given for good: nobody else will answer them.
  void TakeGiven(std::vector<Unsettled>& orphans) {
    orphans.insert(orphans.end(), given_.begin(), given_.end());
    given_.clear();
  }
  std::size_t unsettled() const { return unsettled_.size(); }

  std::size_t prefetch = 0;
  bool confirms = false;
  std::uint64_t published = 0;
  std::optional<Consumer> consumer;
  // The broker has closed it; what comes is not looked at.
  bool is_closing = false;

 private:
  void Unknown(const char* what, std::uint64_t tag) {
    world_.Violate(absl::StrCat("delivery ", tag, " was ", what,
                                ", which is not in its hands"));
  }

  void CheckAnswered(const Unsettled& delivery) {
    const ShortText& reply_to = delivery.message->properties.reply_to;
    if (delivery.is_answered || reply_to.empty()) return;
    if (!ReplyAllowList().Allows(reply_to)) return;
    world_.Violate(absl::StrCat("request \"", delivery.message->body,
                                "\" was acknowledged before its reply"));
  }

  World& world_;
  const std::uint16_t number_;
  BrokerMessage arriving_;
  bool is_mandatory_ = false;
  std::size_t missing_ = 0;  // of its body
  amqp::ContentHeaderDecoder headers_;
  std::uint64_t confirmed_ = 0;
  std::uint64_t delivered_ = 0;
  std::map<std::uint64_t, Unsettled> unsettled_;
  // What a server has that acknowledges nothing.
  std::vector<Unsettled> given_;
};

}  // namespace rpc::simulation

#endif  // TESTS_SIMULATION_BROKER_CHANNEL_H_
