#ifndef RPC_AMQP_FRAMES_H_
#define RPC_AMQP_FRAMES_H_

#include <cstdint>
#include <string_view>
#include <type_traits>
#include <variant>

#include "rpc/amqp/message.h"

// Decoded incoming frames as value types of our own, named after the methods of
// the AMQP 0-9-1 specification. Views are valid during the call that hands a
// frame over.
namespace rpc::amqp::frame {

struct Start {
  std::string_view mechanisms;  // separated by spaces
  // The broker announces that it tells refused credentials by connection.close
  // (the capability authentication_failure_close), not by hanging up.
  bool tells_refused_login = false;
};
struct Secure {};
struct Tune {
  std::uint16_t channel_max = 0;
  std::uint32_t frame_max = 0;
  std::uint16_t heartbeat = 0;  // seconds
};
struct OpenOk {};
struct Close {
  std::uint16_t code = 0;
  std::string_view text;
  std::uint16_t class_id = 0;  // the method that failed; 0 if none did
  std::uint16_t method_id = 0;
};
struct CloseOk {};
struct Blocked {
  std::string_view reason;
};
struct Unblocked {};

struct ChannelOpenOk {};
struct ChannelFlow {
  bool active = true;
};
struct ChannelClose {
  std::uint16_t code = 0;
  std::string_view text;
};
struct ChannelCloseOk {};

struct ExchangeDeclareOk {};
struct QueueDeclareOk {
  std::string_view queue;
  std::uint32_t message_count = 0;
  std::uint32_t consumer_count = 0;
};
struct QueueBindOk {};
struct ConfirmSelectOk {};
struct QosOk {};
struct ConsumeOk {
  std::string_view consumer_tag;
};
struct Cancel {
  std::string_view consumer_tag;
};
struct CancelOk {
  std::string_view consumer_tag;
};

struct Deliver {
  std::string_view consumer_tag;
  std::uint64_t delivery_tag = 0;
  bool redelivered = false;
  std::string_view exchange;
  std::string_view routing_key;
};
struct Return {
  std::uint16_t code = 0;
  std::string_view text;
  std::string_view exchange;
  std::string_view routing_key;
};
struct ContentHeader {
  std::uint64_t body_size = 0;
  // The receiver's to move from; null: none.
  Properties* properties = nullptr;
};
struct Body {
  std::string_view bytes;
};

struct Ack {
  std::uint64_t tag = 0;
  bool multiple = false;
};
struct Nack {
  std::uint64_t tag = 0;
  bool multiple = false;
};

struct Heartbeat {};

// A method that a client never asks for: class << 16 | method.
struct Unexpected {
  std::uint32_t method = 0;
};

}  // namespace rpc::amqp::frame

namespace rpc::amqp {

using FramePayload =
    std::variant<frame::Heartbeat, frame::Start, frame::Secure, frame::Tune,
                 frame::OpenOk, frame::Close, frame::CloseOk, frame::Blocked,
                 frame::Unblocked, frame::ChannelOpenOk, frame::ChannelFlow,
                 frame::ChannelClose, frame::ChannelCloseOk,
                 frame::ExchangeDeclareOk, frame::QueueDeclareOk,
                 frame::QueueBindOk, frame::ConfirmSelectOk, frame::QosOk,
                 frame::ConsumeOk, frame::Cancel, frame::CancelOk,
                 frame::Deliver, frame::Return, frame::ContentHeader,
                 frame::Body, frame::Ack, frame::Nack, frame::Unexpected>;

// Each way to make, copy or destroy one of so many would be compiled otherwise.
static_assert(std::is_trivially_copyable_v<FramePayload>);

struct Frame {
  std::uint16_t channel = 0;
  FramePayload payload;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_FRAMES_H_
