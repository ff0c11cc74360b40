#ifndef RPC_TRANSPORT_RABBITMQ_CONNECTION_EVENT_H_
#define RPC_TRANSPORT_RABBITMQ_CONNECTION_EVENT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace rpc {

// What happened to a RabbitMqTransport's connection.
struct ConnectionEvent {
  enum class Kind {
    kConnected,  // logged in
    kLost,       // was connected; the transport dials again by itself
    kFailed,     // an attempt to connect failed; another follows
    kGivenUp,    // refused, and trying again would not help: no attempt follows
    kBlocked,    // the broker, short of memory or disk, takes no requests
    kUnblocked,
  };

  Kind kind;
  // Why; OK for kConnected and kUnblocked. Names the broker.
  absl::Status status = {};
  // How often it was connected by now.
  std::uint64_t epoch = 0;
};

inline std::string_view NameOf(ConnectionEvent::Kind kind) {
  switch (kind) {
    case ConnectionEvent::Kind::kConnected:
      return "connected";
    case ConnectionEvent::Kind::kLost:
      return "lost";
    case ConnectionEvent::Kind::kFailed:
      return "failed";
    case ConnectionEvent::Kind::kGivenUp:
      return "given up";
    case ConnectionEvent::Kind::kBlocked:
      return "blocked";
    case ConnectionEvent::Kind::kUnblocked:
      return "unblocked";
  }
  return "unknown";
}

// What a RabbitMqTransport has seen so far.
struct RabbitMqCounters {
  std::uint64_t connected = 0;
  std::uint64_t lost = 0;
  std::uint64_t failed = 0;
  std::uint64_t blocked = 0;
  // Requests that came back because no queue takes them.
  std::uint64_t returned = 0;
  // Requests that a server was given.
  std::uint64_t delivered = 0;
  // Requests and replies that the broker did not take; only with confirms.
  std::uint64_t nacked = 0;
};

}  // namespace rpc

#endif  // RPC_TRANSPORT_RABBITMQ_CONNECTION_EVENT_H_
