#ifndef RPC_CORE_ANSWERED_REQUESTS_H_
#define RPC_CORE_ANSWERED_REQUESTS_H_

#include <cstddef>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"

namespace rpc::core {

// The last results of a server, by the requests that got them, so that a
// duplicate of one gets the same again. A failure is not kept: whoever asks
// again wants another try. Thread-safe.
class AnsweredRequests {
 public:
  struct Bounds {
    // Kept results, and the bytes of them and of their requests; the oldest
    // goes first.
    std::size_t results = 0;
    std::size_t bytes = 0;
    // Duplicates of requests that run.
    std::size_t waiting = 0;
  };
  enum class Verdict {
    kRun,          // to be run, then to be ended with End()
    kAnswered,     // was run before: the reply is filled in
    kWaits,        // runs now: the delivery was taken, End() hands it out
    kTooManyWait,  // runs now, and as many wait as may
  };

  explicit AnsweredRequests(const Bounds& bounds) : bounds_(bounds) {}

  // Equal for requests that are the same one: a client may use an id again by
  // mistake, or use another's on purpose. A redelivery and a further attempt
  // differ in nothing that is looked at here.
  static std::string KeyOf(const Request& request) {
    std::string key;
    const auto append = [&](std::string_view part) {
      key.append(std::to_string(part.size())).append(1, ':').append(part);
    };
    append(request.message_id);
    append(request.method);
    append(request.content_type);
    append(request.body.view());
    for (const auto& [name, value] : request.metadata) {
      append(name);
      append(value);
    }
    return key;
  }

  Verdict Begin(const std::string& key, Delivery& delivery, Reply& reply) {
    const std::lock_guard lock(mutex_);
    const auto [found, is_new] = entries_.try_emplace(key);
    if (is_new) return Verdict::kRun;
    Entry& entry = found->second;
    if (entry.is_answered) {
      reply = entry.reply;
      return Verdict::kAnswered;
    }
    if (waiting_ >= bounds_.waiting) return Verdict::kTooManyWait;
    ++waiting_;
    entry.waiting.push_back(std::move(delivery));
    return Verdict::kWaits;
  }

  // What waited for this reply. It is to be answered alike if `reply` is a
  // result, and otherwise to begin anew.
  std::list<Delivery> End(const std::string& key, Reply reply) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    std::list<Delivery> waiting = std::move(found->second.waiting);
    waiting_ -= waiting.size();
    if (!reply.status.ok() || BytesOf(key, reply) > bounds_.bytes) {
      entries_.erase(found);
      return waiting;
    }
    bytes_ += BytesOf(key, reply);
    found->second = {true, std::move(reply), {}};
    oldest_.push_back(&found->first);
    while (oldest_.size() > bounds_.results || bytes_ > bounds_.bytes) Forget();
    return waiting;
  }

 private:
  struct Entry {
    bool is_answered = false;  // otherwise it runs
    Reply reply;
    std::list<Delivery> waiting;
  };

  static std::size_t BytesOf(const std::string& key, const Reply& reply) {
    return key.size() + reply.body.size();
  }

  void Forget() {
    const auto found = entries_.find(*oldest_.front());
    oldest_.pop_front();
    bytes_ -= BytesOf(found->first, found->second.reply);
    entries_.erase(found);
  }

  const Bounds bounds_;
  std::mutex mutex_;
  // Ordered: whoever chooses ids cannot make it slow.
  std::map<std::string, Entry> entries_;
  // Those that are answered, in this order; the keys are of the entries.
  std::deque<const std::string*> oldest_;
  std::size_t bytes_ = 0;
  std::size_t waiting_ = 0;
};

}  // namespace rpc::core

#endif  // RPC_CORE_ANSWERED_REQUESTS_H_
