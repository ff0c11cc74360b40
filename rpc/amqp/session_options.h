#ifndef RPC_AMQP_SESSION_OPTIONS_H_
#define RPC_AMQP_SESSION_OPTIONS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "rpc/amqp/message.h"

namespace rpc::amqp {

// kExternal: the broker knows us by our TLS certificate.
enum class Mechanism { kPlain, kExternal };

// No frame is ever larger, whatever the broker offers.
inline constexpr std::uint32_t kMaxFrame = 131072;

struct SessionOptions {
  std::string user = "guest";
  std::string password = "guest";
  std::string vhost = "/";
  Mechanism mechanism = Mechanism::kPlain;

  // What the broker's management pages call this connection; may be empty.
  std::string connection_name = {};
  // Added to the client properties that the broker shows.
  std::vector<Header> client_properties = {};

  // Whole seconds from 1 to 65535; never off. The smaller of ours and the
  // broker's is taken. A peer is dead after twice this without a frame.
  absl::Duration heartbeat = absl::Seconds(10);

  std::uint32_t frame_max = kMaxFrame;  // from 4096 to kMaxFrame

  // From the protocol header to connection.open-ok.
  absl::Duration login_timeout = absl::Seconds(5);
  // For the broker's answer to each step of a channel's plan, and to a close.
  absl::Duration step_timeout = absl::Seconds(5);
  // From a message's first frame to its last.
  absl::Duration message_timeout = absl::Seconds(30);

  // Longer bodies are skipped; see Delivery::body_too_large.
  std::size_t body_limit = std::size_t{4} * 1024 * 1024;

  // CanPublish() is false while this much is encoded and not yet sent.
  std::size_t out_limit = std::size_t{64} * 1024;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_SESSION_OPTIONS_H_
