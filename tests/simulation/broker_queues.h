#ifndef TESTS_SIMULATION_BROKER_QUEUES_H_
#define TESTS_SIMULATION_BROKER_QUEUES_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/transport/rabbitmq_messages.h"
#include "tests/simulation/broker_message.h"
#include "tests/simulation/fault_plan.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/world.h"

namespace rpc::simulation {

// The simulated broker's queues and exchanges, and what becomes of messages in
// them, faults included.
class BrokerQueues {
 public:
  BrokerQueues(World* world, const FaultPlan* plan, Ledger* ledger)
      : world_(*world), plan_(*plan), ledger_(*ledger) {}

  // Returns the name, made up for a `name` that is empty.
  const std::string& Declare(std::string name, BrokerPeer* owner) {
    if (name.empty()) name = absl::StrCat("amq.gen-", ++named_);
    const auto [found, is_new] = queues_.try_emplace(name);
    BrokerQueue& queue = found->second;
    if (is_new) queue.born = published_;
    queue.name = std::move(name);
    queue.owner = owner;
    return queue.name;
  }
  BrokerQueue* Find(std::string_view name) {
    const auto found = queues_.find(name);
    return found == queues_.end() ? nullptr : &found->second;
  }
  void DeclareExchange(std::string_view name) {
    exchanges_.try_emplace(std::string(name));
  }
  bool HasExchange(std::string_view name) const {
    return name.empty() || exchanges_.find(name) != exchanges_.end();
  }
  // False: one of them is missing.
  bool Bind(std::string_view exchange, std::string_view queue) {
    const auto found = exchanges_.find(exchange);
    if (found == exchanges_.end() || Find(queue) == nullptr) return false;
    found->second = queue;
    return true;
  }

  void Consume(std::string_view name, BrokerQueue::ConsumerRef consumer) {
    BrokerQueue* const queue = Find(name);
    queue->consumers.push_back(consumer);
    Pump(*queue);
  }
  void Forget(std::string_view name, BrokerQueue::ConsumerRef consumer) {
    BrokerQueue* const queue = Find(name);
    if (queue != nullptr) std::erase(queue->consumers, consumer);
  }
  // There may be room at one of its consumers.
  void Pump(std::string_view name) {
    BrokerQueue* const queue = Find(name);
    if (queue != nullptr) Pump(*queue);
  }

  // What a client publishes, before anything becomes of it.
  void NoteAttempt(const BrokerMessage& request) {
    std::int64_t argument = -1;
    if (request.properties.reply_to.empty() ||
        !absl::SimpleAtoi(request.body, &argument)) {
      return;
    }
    ledger_.Sent(argument, request.properties.message_id.view(),
                 BudgetOf(request).value_or(absl::ZeroDuration()));
  }

  // False: no queue takes it.
  bool Publish(BrokerMessage message) {
    message.number = ++published_;
    messages_.push_back(std::move(message));
    BrokerMessage& kept = messages_.back();
    BrokerQueue* const queue = Find(TargetOf(kept));
    if (queue == nullptr) return false;
    if (const auto budget = BudgetOf(kept)) {
      kept.expires = Deadline::After(*budget, world_.Now()).at();
    }
    if (queue->owner == nullptr) {
      NoteRequest(kept);
      Append(*queue, &kept);
    } else {
      PublishReply(*queue, kept);
    }
    return true;
  }
  // False: the queue is gone, and the message with it, even where there is one
  // of the same name by now.
  bool GiveBack(std::string_view name, BrokerMessage* message) {
    BrokerQueue* const queue = Find(name);
    if (queue == nullptr || message->number <= queue->born) return false;
    if (IsGivenUp(*message)) return true;
    queue->GiveBack(message);
    Pump(*queue);
    return true;
  }

  // A message with that body was ever published to that queue.
  bool HasTaken(std::string_view name, std::string_view body) const {
    return std::any_of(messages_.begin(), messages_.end(), [&](const auto& m) {
      return m.routing_key == name && m.body == body;
    });
  }

  // With what is in it; its consumers are told.
  void Delete(std::string_view name) {
    const auto found = queues_.find(name);
    if (found == queues_.end()) return;
    const std::vector<BrokerQueue::ConsumerRef> consumers =
        std::move(found->second.consumers);
    queues_.erase(found);
    for (const auto& [peer, channel] : consumers) peer->Cancel(channel);
  }
  // Its own queues go with a connection.
  void DeleteOf(const BrokerPeer* owner) {
    std::erase_if(queues_, [&](const auto& entry) {
      return entry.second.owner == owner;
    });
  }
  // What queues count deliveries for; 0: they do not count.
  void set_delivery_limit(int limit) { delivery_limit_ = limit; }

  // One of the exclusive ones, if there are any.
  std::string PickReplyQueue() {
    std::vector<std::string> names;
    for (const auto& [name, queue] : queues_) {
      if (queue.owner != nullptr) names.push_back(name);
    }
    return names.empty() ? std::string() : world_.random().Pick(names);
  }
  // A broker that restarts keeps durable queues and no transient message.
  void Restart() {
    for (auto& [name, queue] : queues_) {
      std::erase_if(queue.ready, [](const BrokerMessage* message) {
        return message->properties.delivery_mode != 2;
      });
    }
  }

 private:
  static std::optional<absl::Duration> BudgetOf(const BrokerMessage& message) {
    std::int64_t budget = 0;
    const ShortText& expiration = message.properties.expiration;
    if (!absl::SimpleAtoi(ToAbsl(expiration.view()), &budget)) {
      return std::nullopt;
    }
    return absl::Milliseconds(budget);
  }

  std::string_view TargetOf(const BrokerMessage& message) const {
    if (message.exchange.empty()) return message.routing_key;
    const auto found = exchanges_.find(message.exchange);
    return found == exchanges_.end() ? std::string_view() : found->second;
  }

  // Counts one more delivery, as a quorum queue.
  bool IsGivenUp(BrokerMessage& message) {
    if (delivery_limit_ == 0) return false;
    std::erase_if(message.properties.headers, [](const amqp::Header& header) {
      return header.name == rabbitmq::kDeliveryCount;
    });
    rabbitmq::AddHeader(message.properties, rabbitmq::kDeliveryCount,
                        std::int64_t{++message.deliveries});
    return message.deliveries > delivery_limit_;
  }

  void NoteRequest(const BrokerMessage& request) {
    std::int64_t argument = -1;
    if (!absl::SimpleAtoi(request.body, &argument)) return;
    if (ledger_.Find(argument) == nullptr) return;
    arguments_[std::string(request.properties.correlation_id.view())] =
        argument;
  }

  void Append(BrokerQueue& queue, BrokerMessage* message) {
    queue.ready.push_back(message);
    Pump(queue);
  }

  void Pump(BrokerQueue& queue) {
    while (!queue.ready.empty()) {
      BrokerMessage* const message = queue.ready.front();
      if (message->expires <= world_.Now()) {
        queue.ready.pop_front();
        continue;
      }
      const auto free = std::find_if(
          queue.consumers.begin(), queue.consumers.end(),
          [](const auto& c) { return c.connection->HasRoom(c.channel); });
      if (free == queue.consumers.end()) return;
      // Whoever was given one goes to the end.
      std::rotate(free, free + 1, queue.consumers.end());
      const BrokerQueue::ConsumerRef consumer = queue.consumers.back();
      queue.ready.pop_front();
      consumer.connection->Deliver(consumer.channel, queue.name, message);
    }
  }

  void PublishReply(BrokerQueue& queue, BrokerMessage& reply) {
    const std::string id(reply.properties.correlation_id.view());
    const auto found = arguments_.find(id);
    if (found != arguments_.end()) reply.replies_to = found->second;
    Random& random = world_.random();
    if (random.Chance(plan_.forged_reply)) Forge(queue, reply);
    if (random.Chance(plan_.lost_reply)) {
      return world_.Trace("broker", [&] { return "loses a reply"; });
    }
    if (random.Chance(plan_.doubled_reply)) Later(queue.name, &reply);
    if (random.Chance(plan_.late_reply)) return Later(queue.name, &reply);
    Append(queue, &reply);
  }

  void Later(const std::string& name, BrokerMessage* reply) {
    using std::chrono::microseconds;
    const Clock::duration time = world_.random().Between(
        microseconds(1),
        microseconds(world_.random().Chance(500) ? 2'000 : 1'000'000));
    world_.After(time, [this, name, reply] {
      BrokerQueue* const queue = Find(name);
      if (queue != nullptr) Append(*queue, reply);
    });
  }

  // A reply that nobody may take: of a call that is over, or almost of this.
  void Forge(BrokerQueue& queue, const BrokerMessage& reply) {
    BrokerMessage forged = reply;
    forged.replies_to = -1;
    forged.body = "424242";
    forged.properties.headers.clear();
    forged.properties.type.clear();
    forged.properties.content_type.clear();
    std::string id(reply.properties.correlation_id.view());
    const std::string& over = AnIdThatIsOver();
    if (!over.empty() && world_.random().Chance(500)) {
      id = over;
    } else if (!id.empty()) {
      char& digit =
          id[world_.random().Chance(500) ? id.size() - 1 : id.size() / 3 - 1];
      digit = digit == '1' ? '2' : '1';
    }
    forged.properties.correlation_id = std::string_view(id);
    if (arguments_.count(id) != 0 && id != over) return;
    messages_.push_back(std::move(forged));
    Append(queue, &messages_.back());
  }
  const std::string& AnIdThatIsOver() const {
    static const std::string none;
    for (const auto& [id, argument] : arguments_) {
      if (ledger_.Find(argument)->ends > 0) return id;
    }
    return none;
  }

  World& world_;
  const FaultPlan& plan_;
  Ledger& ledger_;
  std::map<std::string, BrokerQueue, std::less<>> queues_;
  // What is bound to them.
  std::map<std::string, std::string, std::less<>> exchanges_;
  std::deque<BrokerMessage> messages_;
  std::size_t published_ = 0;
  int named_ = 0;
  int delivery_limit_ = 0;
  // Of the calls, by correlation id.
  std::map<std::string, std::int64_t> arguments_;
};

}  // namespace rpc::simulation

#endif  // TESTS_SIMULATION_BROKER_QUEUES_H_
