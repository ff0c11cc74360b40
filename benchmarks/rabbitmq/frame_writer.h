#ifndef BENCHMARKS_RABBITMQ_FRAME_WRITER_H_
#define BENCHMARKS_RABBITMQ_FRAME_WRITER_H_

#include <amqp.h>
#include <amqp_framing.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "benchmarks/rabbitmq/amqp_text.h"
#include "benchmarks/rabbitmq/broker_channel.h"

namespace rpc::benchmarks {

// AMQP 0-9-1 frames encoded one after the other into one buffer, which leaves
// by one send. Frame layout: specification section 2.3.5. Thread-compatible.
class FrameWriter {
 public:
  explicit FrameWriter(int descriptor)
      : descriptor_(descriptor), buffer_(1 << 20) {}

  // Through the default exchange; `body` fits into one frame.
  void Publish(std::string_view queue, amqp_boolean_t mandatory,
               amqp_basic_properties_t properties, std::string_view body) {
    Reserve(kOverhead + body.size());
    amqp_basic_publish_t publish = {};
    publish.routing_key = ToAmqp(queue);
    publish.mandatory = mandatory;
    PutMethod(AMQP_BASIC_PUBLISH_METHOD, &publish);
    const std::size_t header = BeginFrame(AMQP_FRAME_HEADER);
    PutInteger<std::uint16_t>(AMQP_BASIC_CLASS);
    PutInteger<std::uint16_t>(0);
    PutInteger<std::uint64_t>(body.size());
    Advance(amqp_encode_properties(AMQP_BASIC_CLASS, &properties, FreeSpace()));
    EndFrame(header);
    const std::size_t payload = BeginFrame(AMQP_FRAME_BODY);
    std::memcpy(&buffer_[size_], body.data(), body.size());
    size_ += body.size();
    EndFrame(payload);
  }

  // Acknowledges `tag` and all open ones before it.
  void AckThrough(std::uint64_t tag) {
    Reserve(kOverhead);
    amqp_basic_ack_t ack = {.delivery_tag = tag, .multiple = 1};
    PutMethod(AMQP_BASIC_ACK_METHOD, &ack);
  }

  void Heartbeat() {
    Reserve(kOverhead);
    EndFrame(BeginFrame(AMQP_FRAME_HEARTBEAT, 0));
  }

  void Flush() {
    for (std::size_t sent = 0; sent < size_;) {
      const ssize_t step = ::send(descriptor_, &buffer_[sent], size_ - sent,
                                  MSG_NOSIGNAL | MSG_DONTWAIT);
      if (step > 0) {
        sent += static_cast<std::size_t>(step);
        continue;
      }
      BrokerChannel::Check(errno == EAGAIN || errno == EINTR, "send");
      pollfd writable = {.fd = descriptor_, .events = POLLOUT, .revents = 0};
      ::poll(&writable, 1, -1);
    }
    size_ = 0;
  }

 private:
  // More than the method, the header and the frames around them ever take here.
  static constexpr std::size_t kOverhead = 2048;

  void Reserve(std::size_t size) {
    if (buffer_.size() - size_ < size) buffer_.resize(2 * (size_ + size));
  }

  template <typename Integer>
  void PutInteger(Integer value) {
    for (unsigned shift = 8 * sizeof(Integer); shift > 0;) {
      shift -= 8;
      buffer_[size_++] = static_cast<std::uint8_t>(value >> shift);
    }
  }

  amqp_bytes_t FreeSpace() {
    return {buffer_.size() - size_, buffer_.data() + size_};
  }

  void Advance(int encoded) {
    BrokerChannel::Check(encoded >= 0, "encoding a frame");
    size_ += static_cast<std::size_t>(encoded);
  }

  void PutMethod(amqp_method_number_t id, void* method) {
    const std::size_t frame = BeginFrame(AMQP_FRAME_METHOD);
    PutInteger<std::uint32_t>(id);
    Advance(amqp_encode_method(id, method, FreeSpace()));
    EndFrame(frame);
  }

  // Returns where the frame's payload begins, for EndFrame.
  std::size_t BeginFrame(std::uint8_t type,
                         amqp_channel_t channel = BrokerChannel::kNumber) {
    PutInteger<std::uint8_t>(type);
    PutInteger<std::uint16_t>(channel);
    PutInteger<std::uint32_t>(0);
    return size_;
  }

  void EndFrame(std::size_t payload) {
    const std::size_t end = size_;
    size_ = payload - sizeof(std::uint32_t);
    PutInteger<std::uint32_t>(static_cast<std::uint32_t>(end - payload));
    size_ = end;
    PutInteger<std::uint8_t>(AMQP_FRAME_END);
  }

  const int descriptor_;
  std::vector<std::uint8_t> buffer_;
  std::size_t size_ = 0;
};

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_RABBITMQ_FRAME_WRITER_H_
