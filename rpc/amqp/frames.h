#ifndef RPC_AMQP_FRAMES_H_
#define RPC_AMQP_FRAMES_H_

#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <type_traits>

#include "rpc/amqp/message.h"
#include "rpc/amqp/rabbitmq_c.h"

// Decoded incoming frames as value types of our own, named after the methods of
// the AMQP 0-9-1 specification, each with that method's number, or of a frame
// that has no method with the frame's type. Views are valid during the call
// that hands a frame over.
namespace rpc::amqp::frame {

struct Start {
  static constexpr std::uint32_t kNumber = AMQP_CONNECTION_START_METHOD;
  std::string_view mechanisms;  // separated by spaces
  // The broker announces that it tells refused credentials by connection.close
  // (the capability authentication_failure_close), not by hanging up.
  bool tells_refused_login = false;
};
struct Secure {
  static constexpr std::uint32_t kNumber = AMQP_CONNECTION_SECURE_METHOD;
};
struct Tune {
  static constexpr std::uint32_t kNumber = AMQP_CONNECTION_TUNE_METHOD;
  std::uint16_t channel_max = 0;
  std::uint32_t frame_max = 0;
  std::uint16_t heartbeat = 0;  // seconds
};
struct OpenOk {
  static constexpr std::uint32_t kNumber = AMQP_CONNECTION_OPEN_OK_METHOD;
};
struct Close {
  static constexpr std::uint32_t kNumber = AMQP_CONNECTION_CLOSE_METHOD;
  std::uint16_t code = 0;
  std::string_view text;
  std::uint16_t class_id = 0;  // the method that failed; 0 if none did
  std::uint16_t method_id = 0;
};
struct CloseOk {
  static constexpr std::uint32_t kNumber = AMQP_CONNECTION_CLOSE_OK_METHOD;
};
struct Blocked {
  static constexpr std::uint32_t kNumber = AMQP_CONNECTION_BLOCKED_METHOD;
  std::string_view reason;
};
struct Unblocked {
  static constexpr std::uint32_t kNumber = AMQP_CONNECTION_UNBLOCKED_METHOD;
};

struct ChannelOpenOk {
  static constexpr std::uint32_t kNumber = AMQP_CHANNEL_OPEN_OK_METHOD;
};
struct ChannelFlow {
  static constexpr std::uint32_t kNumber = AMQP_CHANNEL_FLOW_METHOD;
  bool active = true;
};
struct ChannelFlowOk {
  static constexpr std::uint32_t kNumber = AMQP_CHANNEL_FLOW_OK_METHOD;
};
struct ChannelClose {
  static constexpr std::uint32_t kNumber = AMQP_CHANNEL_CLOSE_METHOD;
  std::uint16_t code = 0;
  std::string_view text;
};
struct ChannelCloseOk {
  static constexpr std::uint32_t kNumber = AMQP_CHANNEL_CLOSE_OK_METHOD;
};

struct ExchangeDeclareOk {
  static constexpr std::uint32_t kNumber = AMQP_EXCHANGE_DECLARE_OK_METHOD;
};
struct QueueDeclareOk {
  static constexpr std::uint32_t kNumber = AMQP_QUEUE_DECLARE_OK_METHOD;
  std::string_view queue;
  std::uint32_t message_count = 0;
  std::uint32_t consumer_count = 0;
};
struct QueueBindOk {
  static constexpr std::uint32_t kNumber = AMQP_QUEUE_BIND_OK_METHOD;
};
struct ConfirmSelectOk {
  static constexpr std::uint32_t kNumber = AMQP_CONFIRM_SELECT_OK_METHOD;
};
struct QosOk {
  static constexpr std::uint32_t kNumber = AMQP_BASIC_QOS_OK_METHOD;
};
struct ConsumeOk {
  static constexpr std::uint32_t kNumber = AMQP_BASIC_CONSUME_OK_METHOD;
  std::string_view consumer_tag;
};
struct Cancel {
  static constexpr std::uint32_t kNumber = AMQP_BASIC_CANCEL_METHOD;
  std::string_view consumer_tag;
};
struct CancelOk {
  static constexpr std::uint32_t kNumber = AMQP_BASIC_CANCEL_OK_METHOD;
  std::string_view consumer_tag;
};

struct Deliver {
  static constexpr std::uint32_t kNumber = AMQP_BASIC_DELIVER_METHOD;
  std::string_view consumer_tag;
  std::uint64_t delivery_tag = 0;
  bool redelivered = false;
  std::string_view exchange;
  std::string_view routing_key;
};
struct Return {
  static constexpr std::uint32_t kNumber = AMQP_BASIC_RETURN_METHOD;
  std::uint16_t code = 0;
  std::string_view text;
  std::string_view exchange;
  std::string_view routing_key;
};
struct ContentHeader {
  static constexpr std::uint32_t kNumber = AMQP_FRAME_HEADER;
  std::uint64_t body_size = 0;
  // The receiver's to move from; null: none.
  Properties* properties = nullptr;
};
struct Body {
  static constexpr std::uint32_t kNumber = AMQP_FRAME_BODY;
  std::string_view bytes;
};

struct Ack {
  static constexpr std::uint32_t kNumber = AMQP_BASIC_ACK_METHOD;
  std::uint64_t tag = 0;
  bool multiple = false;
};
struct Nack {
  static constexpr std::uint32_t kNumber = AMQP_BASIC_NACK_METHOD;
  std::uint64_t tag = 0;
  bool multiple = false;
};

struct Heartbeat {
  static constexpr std::uint32_t kNumber = AMQP_FRAME_HEARTBEAT;
};

// A method that a client never asks for: class << 16 | method.
struct Unexpected {
  static constexpr std::uint32_t kNumber = 0;
  std::uint32_t method = 0;
};

}  // namespace rpc::amqp::frame

namespace rpc::amqp {

// One of the frames above, and which. A variant that goes by the frames' own
// numbers: std::variant costs each file that includes it a hundred
// instantiations for each of so many alternatives.
class FramePayload {
 public:
  FramePayload() : FramePayload(frame::Heartbeat()) {}
  template <typename Kind>
  FramePayload(const Kind& frame) {  // NOLINT(google-explicit-constructor)
    Set(frame);
  }

  template <typename Kind>
  Kind& Set(const Kind& frame) {
    static_assert(std::is_trivially_copyable_v<Kind>);
    static_assert(sizeof(Kind) <= sizeof(bytes_));
    number_ = Kind::kNumber;
    return *new (bytes_) Kind(frame);
  }

  // Null if it is another.
  template <typename Kind>
  const Kind* If() const {
    if (!Is<Kind>()) return nullptr;
    return std::launder(reinterpret_cast<const Kind*>(bytes_));
  }
  template <typename Kind>
  bool Is() const {
    return number_ == Kind::kNumber;
  }
  std::uint32_t number() const { return number_; }

 private:
  std::uint32_t number_ = 0;
  alignas(frame::Deliver) std::byte bytes_[sizeof(frame::Deliver)] = {};
};

struct Frame {
  std::uint16_t channel = 0;
  FramePayload payload;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_FRAMES_H_
