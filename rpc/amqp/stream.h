#ifndef RPC_AMQP_STREAM_H_
#define RPC_AMQP_STREAM_H_

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace rpc::amqp {

enum class Progress { kDone, kPending };

// A non-blocking byte stream to a broker. No operation waits: what cannot be
// done now says so, and events() says what to poll(2) for before trying again.
// Errors end the stream: UNAVAILABLE for a broken or closed connection,
// UNAUTHENTICATED where either side refused the other's certificate.
// Thread-compatible.
class Stream {
 public:
  virtual ~Stream() = default;

  // Goes on connecting; nothing else may be called before kDone.
  virtual absl::StatusOr<Progress> Connect() = 0;

  // Reads what is there, at most `room`; 0 if that is nothing. As many bytes as
  // `room` has may mean that there are more, which poll(2) need not know of.
  virtual absl::StatusOr<std::size_t> Read(absl::Span<char> room) = 0;

  // Sends as much of `bytes` as is taken now, maybe nothing.
  virtual absl::StatusOr<std::size_t> Write(std::string_view bytes) = 0;

  virtual int descriptor() const = 0;

  // What to poll for so that the operation under way can go on, besides POLLIN
  // for Read() and POLLOUT for a Write() that was not finished.
  virtual short events() const = 0;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_STREAM_H_
