#ifndef BENCHMARKS_RABBITMQ_FRAME_READER_H_
#define BENCHMARKS_RABBITMQ_FRAME_READER_H_

#include <amqp.h>
#include <amqp_framing.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string_view>
#include <vector>

#include "benchmarks/rabbitmq/amqp_text.h"
#include "benchmarks/rabbitmq/broker_channel.h"
#include "benchmarks/rabbitmq/fail.h"

namespace rpc::benchmarks {

// A message that the broker delivered; the views last for the callback.
struct RawDelivery {
  std::uint64_t tag = 0;
  const amqp_basic_properties_t* properties = nullptr;
  std::string_view body;
};

// Reads the socket itself and lets rabbitmq-c decode what came. A message body
// is expected in one frame. Thread-compatible.
class FrameReader {
 public:
  explicit FrameReader(const BrokerChannel& channel)
      : connection_(channel.connection()),
        descriptor_(channel.descriptor()),
        buffer_(1 << 17) {
    if (channel.encrypted()) {
      Fail(
          "--broker: this program reads and writes the socket itself, and so "
          "speaks no TLS; give it an amqp:// URL");
    }
  }

  // Hands what rabbitmq-c had read already while it logged in to `on_delivery`;
  // to be called once, before Read.
  template <typename OnDelivery>
  void ReadBuffered(OnDelivery&& on_delivery) {
    while (amqp_frames_enqueued(connection_) ||
           amqp_data_in_buffer(connection_)) {
      amqp_frame_t frame;
      const int status = amqp_simple_wait_frame(connection_, &frame);
      BrokerChannel::Check(status == AMQP_STATUS_OK, "reading a frame");
      Take(frame, on_delivery);
    }
  }

  // One recv; calls `on_delivery(RawDelivery)` for each message that it
  // completed. Returns false when there was nothing to read.
  template <typename OnDelivery>
  bool Read(OnDelivery&& on_delivery) {
    const ssize_t size =
        ::recv(descriptor_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    BrokerChannel::Check(size > 0, "recv");
    amqp_bytes_t rest = {static_cast<std::size_t>(size), buffer_.data()};
    while (rest.len > 0) {
      amqp_frame_t frame;
      const int used = amqp_handle_input(connection_, rest, &frame);
      BrokerChannel::Check(used >= 0, "decoding a frame");
      rest.bytes = static_cast<char*>(rest.bytes) + used;
      rest.len -= static_cast<std::size_t>(used);
      if (frame.frame_type != 0) Take(frame, on_delivery);
    }
    return true;
  }

  // The highest number of a publish that the broker has confirmed.
  std::uint64_t last_confirmed() const { return last_confirmed_; }

 private:
  template <typename OnDelivery>
  void Take(const amqp_frame_t& frame, OnDelivery& on_delivery) {
    switch (frame.frame_type) {
      case AMQP_FRAME_METHOD:
        TakeMethod(frame.payload.method);
        return;
      case AMQP_FRAME_HEADER:
        delivery_.properties = static_cast<amqp_basic_properties_t*>(
            frame.payload.properties.decoded);
        body_size_ = frame.payload.properties.body_size;
        return;
      case AMQP_FRAME_BODY:
        delivery_.body = ToView(frame.payload.body_fragment);
        BrokerChannel::Check(delivery_.body.size() == body_size_,
                             "a body in one frame");
        on_delivery(delivery_);
        amqp_maybe_release_buffers(connection_);
        return;
      default:
        return;
    }
  }

  void TakeMethod(const amqp_method_t& method) {
    if (method.id == AMQP_BASIC_ACK_METHOD) {
      last_confirmed_ = std::max(
          last_confirmed_,
          static_cast<amqp_basic_ack_t*>(method.decoded)->delivery_tag);
      return;
    }
    BrokerChannel::Check(method.id == AMQP_BASIC_DELIVER_METHOD,
                         "neither delivery nor confirm came, and so the call");
    delivery_.tag =
        static_cast<amqp_basic_deliver_t*>(method.decoded)->delivery_tag;
  }

  const amqp_connection_state_t connection_;
  const int descriptor_;
  std::vector<std::uint8_t> buffer_;
  RawDelivery delivery_;
  std::uint64_t body_size_ = 0;
  std::uint64_t last_confirmed_ = 0;
};

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_RABBITMQ_FRAME_READER_H_
