#ifndef RPC_TESTS_FUZZ_SENT_H_
#define RPC_TESTS_FUZZ_SENT_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "rpc/amqp/big_endian.h"
#include "rpc/amqp/content_header.h"
#include "rpc/amqp/frames.h"
#include "rpc/amqp/out_buffer.h"
#include "rpc/amqp/rabbitmq_c.h"
#include "tests/fuzz/require.h"

namespace rpc::fuzz {

// Reads what a session has to send, as a broker would. What it hands out is
// valid until the next call and until the buffer changes.
class Sent {
 public:
  explicit Sent(const amqp::OutBuffer& out) : rest_(out.view()) {
    if (rest_.starts_with("AMQP")) rest_.remove_prefix(8);
  }

  // False at the end.
  bool Next() {
    if (rest_.empty()) return false;
    Require(rest_.size() >= 8, "only whole frames are encoded");
    type_ = static_cast<unsigned char>(rest_[0]);
    channel_ = amqp::BigEndian<std::uint16_t>(rest_.data() + 1);
    const std::size_t size = amqp::BigEndian<std::uint32_t>(rest_.data() + 3);
    Require(size + 8 <= rest_.size(), "a frame is as long as it says");
    Require(rest_[7 + size] == '\xCE', "a frame has its end");
    payload_ = rest_.substr(7, size);
    rest_.remove_prefix(size + 8);
    return true;
  }

  std::uint16_t channel() const { return channel_; }
  bool IsBody() const { return type_ == AMQP_FRAME_BODY; }
  bool IsHeader() const { return type_ == AMQP_FRAME_HEADER; }
  // The method's number; 0 for other frames.
  std::uint32_t method() const {
    return type_ == AMQP_FRAME_METHOD
               ? amqp::BigEndian<std::uint32_t>(payload_.data())
               : 0;
  }

  // rabbitmq-c's struct of method().
  template <typename Method>
  const Method& Arguments() {
    pool_.Recycle();
    void* decoded = nullptr;
    Require(amqp_decode_method(method(), pool_.get(),
                               amqp::ToAmqp(payload_.substr(4)), &decoded) >= 0,
            "what we encode can be decoded");
    return *static_cast<const Method*>(decoded);
  }

  amqp::frame::ContentHeader Header() {
    amqp::frame::ContentHeader header;
    Require(headers_.Decode(payload_, &header).ok(),
            "what we encode can be decoded");
    return header;
  }

 private:
  std::string_view rest_;
  unsigned type_ = 0;
  std::uint16_t channel_ = 0;
  std::string_view payload_;
  amqp::MethodPool pool_;
  amqp::ContentHeaderDecoder headers_;
};

}  // namespace rpc::fuzz

#endif  // RPC_TESTS_FUZZ_SENT_H_
