#ifndef RPC_AMQP_ENCODER_H_
#define RPC_AMQP_ENCODER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "rpc/amqp/message.h"
#include "rpc/amqp/out_buffer.h"
#include "rpc/amqp/rabbitmq_c.h"
#include "rpc/amqp/session_options.h"
#include "rpc/amqp/table.h"
#include "rpc/base/status.h"

namespace rpc::amqp {

// Encodes frames onto the end of an OutBuffer, which must outlive it. What does
// not fit its frame is INVALID_ARGUMENT and leaves the buffer as it was. Frames
// are laid out as in section 4.2.3 of the AMQP 0-9-1 specification: type (1),
// channel (2), size (4), payload, 0xCE. Thread-compatible.
class Encoder {
 public:
  explicit Encoder(OutBuffer* out) : out_(*out) {}

  const OutBuffer& out() const { return out_; }

  // What was negotiated: the most bytes of a whole frame.
  void set_frame_max(std::uint32_t frame_max) { frame_max_ = frame_max; }

  void ProtocolHeader() {
    out_.Append(std::string_view("AMQP\x00\x00\x09\x01", 8));
  }

  void Heartbeat() { Frame(AMQP_FRAME_HEARTBEAT, 0, {}); }

  // One method frame; `method` is rabbitmq-c's struct of that name.
  template <typename Method>
  absl::Status Append(std::uint16_t channel, amqp_method_number_t number,
                      Method method) {
    return Payload(AMQP_FRAME_METHOD, channel, 4, [&](char* begin, char* end) {
      Put32(begin, number);
      const int size =
          amqp_encode_method(number, &method, Rest(begin + 4, end));
      return size < 0 ? size : size + 4;
    });
  }

  // basic.publish, its content header and its body, split into frames.
  absl::Status Publish(std::uint16_t channel, amqp_basic_publish_t method,
                       const Properties& properties, std::string_view body) {
    const std::uint64_t begin = out_.total_appended();
    absl::Status status = Append(channel, AMQP_BASIC_PUBLISH_METHOD, method);
    if (status.ok()) status = ContentHeader(channel, properties, body.size());
    if (!status.ok()) {
      out_.TakeBack(static_cast<std::size_t>(out_.total_appended() - begin));
      return status;
    }
    const std::size_t piece = frame_max_ - kOverhead;
    for (; !body.empty(); body.remove_prefix(std::min(piece, body.size()))) {
      Frame(AMQP_FRAME_BODY, channel, body.substr(0, piece));
    }
    return absl::OkStatus();
  }

 private:
  static constexpr std::size_t kHead = 7;
  static constexpr std::size_t kOverhead = kHead + 1;
  static constexpr char kEnd = static_cast<char>(AMQP_FRAME_END);
  // Enough for a method with three short strings of the longest.
  static constexpr std::size_t kUsual = 1024;

  static void Put16(char* to, std::uint16_t value) {
    to[0] = static_cast<char>(value >> 8);
    to[1] = static_cast<char>(value);
  }
  static void Put32(char* to, std::uint32_t value) {
    Put16(to, static_cast<std::uint16_t>(value >> 16));
    Put16(to + 2, static_cast<std::uint16_t>(value));
  }
  static amqp_bytes_t Rest(char* begin, char* end) {
    return ToAmqp({begin, static_cast<std::size_t>(end - begin)});
  }

  void Head(char* to, int type, std::uint16_t channel, std::size_t size) {
    to[0] = static_cast<char>(type);
    Put16(to + 1, channel);
    Put32(to + 3, static_cast<std::uint32_t>(size));
  }

  void Frame(int type, std::uint16_t channel, std::string_view payload) {
    char* room = out_.Room(payload.size() + kOverhead);
    Head(room, type, channel, payload.size());
    if (!payload.empty()) {
      std::memcpy(room + kHead, payload.data(), payload.size());
    }
    room[kHead + payload.size()] = kEnd;
    out_.Commit(payload.size() + kOverhead);
  }

  // A frame whose payload `encode(begin, end)` writes; it returns the size, or
  // something negative if the room is too small. rabbitmq-c cannot tell the
  // size beforehand: the usual room is tried first, then the largest.
  template <typename Encode>
  absl::Status Payload(int type, std::uint16_t channel, std::size_t least,
                       Encode encode) {
    for (const std::size_t room_size :
         {std::min<std::size_t>(kUsual, frame_max_ - kOverhead),
          frame_max_ - kOverhead}) {
      char* room = out_.Room(room_size + kOverhead);
      char* payload = room + kHead;
      const int size = encode(payload, payload + room_size);
      if (size < static_cast<int>(least)) continue;
      const std::size_t used = static_cast<std::size_t>(size);
      Head(room, type, channel, used);
      payload[used] = kEnd;
      out_.Commit(used + kOverhead);
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(absl::StrCat(
        "cannot be encoded: each name and property must have at most 255 "
        "bytes, and all headers or arguments together must fit a frame of ",
        frame_max_, " bytes"));
  }

  absl::Status ContentHeader(std::uint16_t channel,
                             const Properties& properties,
                             std::size_t body_size) {
    amqp_basic_properties_t encoded;
    if (!Fill(properties, &encoded)) {
      return absl::InvalidArgumentError(
          "cannot be encoded: a header's name must have from 1 to 255 bytes");
    }
    return Payload(AMQP_FRAME_HEADER, channel, 12, [&](char* begin, char* end) {
      Put16(begin, AMQP_BASIC_CLASS);
      Put16(begin + 2, 0);
      Put32(begin + 4, static_cast<std::uint32_t>(
                           static_cast<std::uint64_t>(body_size) >> 32));
      Put32(begin + 8, static_cast<std::uint32_t>(body_size));
      const int size = amqp_encode_properties(AMQP_BASIC_CLASS, &encoded,
                                              Rest(begin + 12, end));
      return size < 0 ? size : size + 12;
    });
  }

  // False if a header has no name that could be encoded.
  bool Fill(const Properties& from, amqp_basic_properties_t* to) {
    to->_flags = 0;
    const auto text = [&](std::string_view value, amqp_flags_t flag,
                          amqp_bytes_t* field) {
      if (value.empty()) return;
      to->_flags |= flag;
      *field = ToAmqp(value);
    };
    const auto number = [&](auto value, amqp_flags_t flag, auto* field) {
      if (value == 0) return;
      to->_flags |= flag;
      *field = value;
    };
    text(from.content_type, AMQP_BASIC_CONTENT_TYPE_FLAG, &to->content_type);
    text(from.content_encoding, AMQP_BASIC_CONTENT_ENCODING_FLAG,
         &to->content_encoding);
    text(from.correlation_id, AMQP_BASIC_CORRELATION_ID_FLAG,
         &to->correlation_id);
    text(from.reply_to, AMQP_BASIC_REPLY_TO_FLAG, &to->reply_to);
    text(from.expiration, AMQP_BASIC_EXPIRATION_FLAG, &to->expiration);
    text(from.message_id, AMQP_BASIC_MESSAGE_ID_FLAG, &to->message_id);
    text(from.type, AMQP_BASIC_TYPE_FLAG, &to->type);
    text(from.user_id, AMQP_BASIC_USER_ID_FLAG, &to->user_id);
    text(from.app_id, AMQP_BASIC_APP_ID_FLAG, &to->app_id);
    number(from.delivery_mode, AMQP_BASIC_DELIVERY_MODE_FLAG,
           &to->delivery_mode);
    number(from.priority, AMQP_BASIC_PRIORITY_FLAG, &to->priority);
    number(from.timestamp, AMQP_BASIC_TIMESTAMP_FLAG, &to->timestamp);
    if (from.headers.empty()) return true;
    to->_flags |= AMQP_BASIC_HEADERS_FLAG;
    return headers_.Fill(from.headers, &to->headers);
  }

  OutBuffer& out_;
  std::uint32_t frame_max_ = kMaxFrame;
  Table headers_;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_ENCODER_H_
