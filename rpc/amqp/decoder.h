#ifndef RPC_AMQP_DECODER_H_
#define RPC_AMQP_DECODER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "rpc/amqp/big_endian.h"
#include "rpc/amqp/content_header.h"
#include "rpc/amqp/frames.h"
#include "rpc/amqp/method_decoder.h"
#include "rpc/amqp/rabbitmq_c.h"
#include "rpc/amqp/session_options.h"

namespace rpc::amqp {

// Cuts the bytes of a connection into frames and decodes them, total on every
// input: rabbitmq-c decodes methods and properties, and is only ever given what
// is complete and long enough. (Its own cutter, amqp_handle_input, copies each
// frame, keeps a pool of 128 KiB for each channel number that the peer cares to
// name, and reads past the end of a method frame of less than four bytes.)
// Thread-compatible.
class Decoder {
 public:
  // Where to read the next bytes into; `kRead` long once Next() has returned
  // null. Invalidates the frames handed out before.
  static constexpr std::size_t kRead = std::size_t{128} * 1024;
  absl::Span<char> Room() {
    if (begin_ > 0) {
      std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    return absl::MakeSpan(buffer_.get() + end_,
                          std::min(kCapacity - end_, kRead));
  }

  // `size` bytes were read into Room().
  void Received(std::size_t size) { end_ += size; }

  // The next complete frame, valid until the next call; null if more bytes are
  // needed. INTERNAL for what is no AMQP: the connection cannot go on.
  absl::StatusOr<Frame*> Next() {
    const std::string_view bytes(buffer_.get() + begin_, end_ - begin_);
    if (bytes.size() < kHead) return nullptr;
    const auto type = static_cast<unsigned char>(bytes[0]);
    if (type > AMQP_FRAME_HEARTBEAT) {
      const absl::Status other = OtherProtocol(bytes);
      if (!other.ok()) return other;
    }
    const std::size_t size = BigEndian<std::uint32_t>(bytes.data() + 3);
    if (size + kHead + 1 > kMaxFrame) {
      return absl::InternalError(absl::StrCat(
          "the peer sent the head of a frame of ", size, " bytes, more than ",
          kMaxFrame, ", or what is no AMQP at all"));
    }
    if (bytes.size() < kHead + size + 1) return nullptr;
    if (bytes[kHead + size] != static_cast<char>(AMQP_FRAME_END)) {
      return absl::InternalError("the peer sent a frame without a frame end");
    }
    frame_.channel = BigEndian<std::uint16_t>(bytes.data() + 1);
    begin_ += kHead + size + 1;
    const absl::Status status = Payload(type, bytes.substr(kHead, size));
    if (!status.ok()) return status;
    return &frame_;
  }

 private:
  static constexpr std::size_t kHead = 7;
  // A turn's bytes behind a frame that is all but complete.
  static constexpr std::size_t kCapacity = kRead + kMaxFrame;

  // OK for what may yet be a frame that nobody knows.
  static absl::Status OtherProtocol(std::string_view bytes) {
    if (bytes.starts_with("AMQP")) {
      return absl::InternalError(
          "the peer speaks another version of AMQP than 0-9-1");
    }
    if (bytes.starts_with("\x15\x03")) {
      return absl::InternalError(
          "the peer answered with a TLS alert; use amqps:// for this port");
    }
    return absl::OkStatus();
  }

  absl::Status Payload(unsigned char type, std::string_view payload) {
    switch (type) {
      case AMQP_FRAME_METHOD:
        if (payload.size() < 4) break;
        return methods_.Decode(BigEndian<std::uint32_t>(payload.data()),
                               payload.substr(4), &frame_.payload);
      case AMQP_FRAME_HEADER:
        return header_.Decode(payload,
                              &frame_.payload.Set(frame::ContentHeader()));
      case AMQP_FRAME_BODY:
        frame_.payload.Set(frame::Body{payload});
        return absl::OkStatus();
      case AMQP_FRAME_HEARTBEAT:
        frame_.payload.Set(frame::Heartbeat());
        return absl::OkStatus();
      default:
        break;
    }
    return absl::InternalError(absl::StrCat("the peer sent a frame of type ",
                                            type, " with ", payload.size(),
                                            " bytes, which is no AMQP"));
  }

  std::unique_ptr<char[]> buffer_ =
      std::make_unique_for_overwrite<char[]>(kCapacity);
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  MethodDecoder methods_;
  ContentHeaderDecoder header_;
  Frame frame_;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_DECODER_H_
