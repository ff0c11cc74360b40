#ifndef RPC_CORE_CALL_OPTIONS_H_
#define RPC_CORE_CALL_OPTIONS_H_

#include <algorithm>
#include <cstddef>
#include <new>
#include <optional>
#include <stop_token>

#include "absl/time/time.h"
#include "rpc/base/deadline.h"
#include "rpc/message/envelope.h"
#include "rpc/message/server_context.h"

namespace rpc {

// What happens to a call for which there is no room: max_in_flight calls are
// pending, or as much waits to be sent as the transport holds.
enum class WhenFull {
  // It ends at once with RESOURCE_EXHAUSTED.
  kFail,
  // The thread that makes it waits for room, within the deadline. Not a thread
  // that runs a callback in place of a callback thread: there it fails.
  kWait
};

// What happens to a call that is made while the other side is out of reach.
enum class WhenDown {
  // It waits, within its deadline.
  kWait,
  // It ends at once with UNAVAILABLE, not having run.
  kFail
};

// What one call may ask for. A value.
struct CallOptions {
  // How long the call may take, all in all. If unset, the endpoint's
  // default_timeout.
  std::optional<absl::Duration> timeout = {};
  // The call that is being served and for which this one is made: its deadline
  // bounds this call, its cancellation cancels it, and its trace is passed on.
  // Not owned; null for a call of its own.
  const ServerContext* parent = nullptr;
  // Ends the call with CANCELLED when it is requested.
  std::stop_token cancellation = {};
  WhenFull when_full = WhenFull::kFail;
  WhenDown when_down = WhenDown::kWait;
  // Travels with the request; see CheckMetadata() in message/wire.h.
  Metadata metadata = {};
};

namespace core {

// Of a call that asks for nothing. Made once, not for each call; without the
// heap, and never destroyed.
inline const CallOptions& NoOptions() {
  alignas(CallOptions) static std::byte memory[sizeof(CallOptions)];
  static const auto* const options = new (memory) CallOptions();
  return *options;
}

inline Deadline DeadlineOf(const CallOptions& options,
                           absl::Duration default_timeout, TimePoint now) {
  const Deadline own =
      Deadline::After(options.timeout.value_or(default_timeout), now);
  return options.parent == nullptr ? own
                                   : std::min(own, options.parent->deadline);
}

// The call's own metadata, and the parent's trace where it has none of its own.
inline Metadata MetadataOf(const CallOptions& options) {
  Metadata metadata = options.metadata;
  if (options.parent == nullptr || options.parent->metadata == nullptr) {
    return metadata;
  }
  for (const char* key : {"traceparent", "tracestate"}) {
    const auto inherited = Find(*options.parent->metadata, key);
    if (inherited.has_value() && !Find(metadata, key).has_value()) {
      metadata.emplace_back(key, *inherited);
    }
  }
  return metadata;
}

}  // namespace core
}  // namespace rpc

#endif  // RPC_CORE_CALL_OPTIONS_H_
