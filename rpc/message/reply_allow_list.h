#ifndef RPC_MESSAGE_REPLY_ALLOW_LIST_H_
#define RPC_MESSAGE_REPLY_ALLOW_LIST_H_

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rpc {

// The reply addresses that a server publishes to. `reply_to` is the sender's
// word: a server that believed it would publish into any queue it may write to.
// Allowed are the broker's own names for anonymous queues (`amq.gen-*`), the
// library's prefix (`rpc.reply.*`) and the patterns that the user adds; a
// pattern is a whole name, or a prefix followed by `*`. Immutable; thread-safe.
class ReplyAllowList {
 public:
  ReplyAllowList() = default;
  explicit ReplyAllowList(std::vector<std::string> patterns)
      : added_(std::move(patterns)) {}

  bool Allows(std::string_view reply_to) const {
    const auto matches = [&](std::string_view pattern) {
      return Matches(pattern, reply_to);
    };
    return matches("amq.gen-*") || matches("rpc.reply.*") ||
           std::any_of(added_.begin(), added_.end(), matches);
  }

 private:
  static bool Matches(std::string_view pattern, std::string_view name) {
    if (!pattern.ends_with('*')) return name == pattern;
    pattern.remove_suffix(1);
    return name.starts_with(pattern);
  }

  std::vector<std::string> added_;
};

}  // namespace rpc

#endif  // RPC_MESSAGE_REPLY_ALLOW_LIST_H_
