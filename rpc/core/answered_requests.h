#ifndef RPC_CORE_ANSWERED_REQUESTS_H_
#define RPC_CORE_ANSWERED_REQUESTS_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"

namespace rpc::core {

// The results of requests with a message_id, so that one that comes again does
// not run again. Another method, content type or body under the same id is
// another request. Failures are not remembered: what failed may be tried again.
// Holds so many bytes, and forgets the oldest results first. Thread-safe.
class AnsweredRequests {
 public:
  enum class Found {
    kNew,       // to be run; End() has to follow
    kAnswered,  // the reply is filled in
    kRunning,   // the delivery was taken: End() returns it
  };

  explicit AnsweredRequests(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  Found Begin(Delivery& delivery, Reply& reply) {
    const Request& request = delivery.request();
    if (request.message_id.empty()) return Found::kNew;
    std::string key = KeyOf(request);
    const std::lock_guard lock(mutex_);
    const auto [found, is_new] = entries_.try_emplace(std::move(key));
    Entry& entry = found->second;
    if (is_new) return Found::kNew;
    if (!entry.is_answered) {
      entry.waiting.push_back(std::move(delivery));
      return Found::kRunning;
    }
    reply.content_type = entry.content_type;
    reply.body = entry.body;
    return Found::kAnswered;
  }

  // The new one has run. Returns its duplicates that came meanwhile, which are
  // to begin anew.
  std::vector<Delivery> End(const Request& request, const Reply& reply) {
    if (request.message_id.empty()) return {};
    const std::string key = KeyOf(request);
    const std::lock_guard lock(mutex_);
    const auto ended = entries_.find(key);
    std::vector<Delivery> waiting = std::move(ended->second.waiting);
    if (!reply.status.ok()) {
      entries_.erase(ended);
      return waiting;
    }
    ended->second = {true, reply.content_type, reply.body, {}};
    bytes_ += BytesOf(ended);
    answered_.push_back(ended);
    while (bytes_ > max_bytes_) {
      bytes_ -= BytesOf(answered_.front());
      entries_.erase(answered_.front());
      answered_.pop_front();
    }
    return waiting;
  }

 private:
  struct Entry {
    bool is_answered = false;
    ShortText content_type = {};
    Bytes body = {};
    std::vector<Delivery> waiting = {};
  };
  // Ordered: whoever chooses ids cannot make it slow.
  using Entries = std::map<std::string, Entry, std::less<>>;

  static std::string KeyOf(const Request& request) {
    std::string key;
    for (const std::string_view part :
         {request.message_id.view(), request.method.view(),
          request.content_type.view()}) {
      key.append(std::to_string(part.size())).append(":").append(part);
    }
    return key.append(request.body.view());
  }
  static std::size_t BytesOf(Entries::const_iterator entry) {
    return sizeof(*entry) + entry->first.size() + entry->second.body.size();
  }

  const std::size_t max_bytes_;
  std::mutex mutex_;
  Entries entries_;
  // Oldest first.
  std::deque<Entries::iterator> answered_;
  std::size_t bytes_ = 0;
};

}  // namespace rpc::core

#endif  // RPC_CORE_ANSWERED_REQUESTS_H_
