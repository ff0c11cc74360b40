#ifndef RPC_MESSAGE_ENVELOPE_H_
#define RPC_MESSAGE_ENVELOPE_H_

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "rpc/base/bytes.h"
#include "rpc/base/deadline.h"

namespace rpc {

// What a caller sends beside the arguments, for tracing or routing of its own:
// names and texts. Keys are those of HTTP headers; see IsReservedMetadataKey()
// in wire.h for those that are the protocol's.
using Metadata = std::vector<std::pair<std::string, std::string>>;

// The value under `key`, if there is one.
inline std::optional<std::string_view> Find(const Metadata& metadata,
                                            std::string_view key) {
  for (const auto& [name, value] : metadata) {
    if (name == key) return value;
  }
  return std::nullopt;
}

// One attempt at a call, as it travels from client to server. A value.
struct Request {
  // Unique among the caller's attempts; the reply carries the same bytes.
  ShortText correlation_id = {};
  // The same in each attempt at one call; empty where there is one attempt.
  ShortText message_id = {};
  // Empty if the queue has one method only.
  ShortText method = {};
  // Empty if the serializer's own.
  ShortText content_type = {};
  // Where the reply goes; empty: nobody waits for one. Set by the client's
  // transport.
  ShortText reply_to = {};
  Bytes body = {};
  Deadline deadline = {};
  int attempt = 1;
  Metadata metadata = {};
};

// By what the caller knows its reply. Clients of other makers may set only one
// of the two.
inline const ShortText& ReplyIdOf(const Request& request) {
  return request.correlation_id.empty() ? request.message_id
                                        : request.correlation_id;
}

// What became of a request, as it travels from server to client, or as the
// transport made it up for a request that was not served. A value.
struct Reply {
  ShortText correlation_id = {};
  // OK: `body` is the result. Otherwise `body` is empty.
  absl::Status status = {};
  // Empty if the serializer's own.
  ShortText content_type = {};
  Bytes body = {};
  // The attempt that it ended. Known to the client only.
  int attempt = 1;
};

}  // namespace rpc

#endif  // RPC_MESSAGE_ENVELOPE_H_
