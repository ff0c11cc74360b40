#ifndef RPC_AMQP_LINK_H_
#define RPC_AMQP_LINK_H_

#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "rpc/amqp/decoder.h"
#include "rpc/amqp/frames.h"
#include "rpc/amqp/session.h"
#include "rpc/amqp/session_listener.h"
#include "rpc/amqp/session_options.h"
#include "rpc/amqp/stream.h"
#include "rpc/base/deadline.h"

namespace rpc::amqp {

// A session with the stream that carries it: what is read is decoded and handed
// to the session, what the session says is sent. Never waits.
// Thread-compatible.
class Link {
 public:
  Link(std::unique_ptr<Stream> stream, SessionOptions options,
       SessionListener* listener, TimePoint now)
      : stream_(std::move(stream)),
        session_(std::move(options), listener, now) {}

  Session& session() { return session_; }

  // Reads once and handles what came.
  void Receive(TimePoint now) {
    const absl::Span<char> room = decoder_.Room();
    const absl::StatusOr<std::size_t> size = stream_->Read(room);
    if (!size.ok()) return session_.OnDisconnected(size.status(), now);
    more_to_read_ = *size == room.size();
    decoder_.Received(*size);
    while (!session_.closed()) {
      absl::StatusOr<Frame*> frame = decoder_.Next();
      if (!frame.ok()) return session_.OnMalformed(frame.status(), now);
      if (*frame == nullptr) return;
      session_.OnFrame(**frame, now);
    }
  }

  // Does what is due.
  void OnTime(TimePoint now) {
    if (session_.probes()) session_.out().set_on_the_way(OnTheWay());
    session_.OnTime(now);
  }

  // Sends once what waits to be sent.
  void Send(TimePoint now) {
    OutBuffer& out = session_.out();
    if (out.empty() || broken_) return;
    const absl::StatusOr<std::size_t> size = stream_->Write(out.view());
    if (size.ok()) return out.Sent(*size);
    broken_ = true;
    // The broker's last words, which say more than a broken pipe, may be there
    // to be read.
    Receive(now);
    session_.OnDisconnected(size.status(), now);
  }

  int descriptor() const { return stream_->descriptor(); }
  short events() const {
    const int write = session_.out().empty() ? 0 : POLLOUT;
    return static_cast<short>(POLLIN | write | stream_->events());
  }
  // There may be more to read that poll(2) does not know of.
  bool more_to_read() const { return more_to_read_; }

 private:
  // What the kernel has of what was written, not acknowledged by the peer's;
  // with TLS a little more than that.
  std::uint64_t OnTheWay() const {
    int size = 0;
    if (::ioctl(stream_->descriptor(), SIOCOUTQ, &size) != 0) return 0;
    return static_cast<std::uint64_t>(size);
  }

  const std::unique_ptr<Stream> stream_;
  Decoder decoder_;
  Session session_;
  bool more_to_read_ = false;
  bool broken_ = false;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_LINK_H_
