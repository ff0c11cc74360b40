#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "rpc/amqp/decoder.h"
#include "rpc/amqp/frames.h"
#include "rpc/base/status.h"
#include "tests/fuzz/frames.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/require.h"

// A peer's bytes, in pieces of any size. They are decoded to the same frames
// however they are cut.
namespace rpc::amqp {
namespace {

using ::rpc::fuzz::Input;
using ::rpc::fuzz::Require;

std::string Describe(const FramePayload& payload) {
  if (const auto* start = payload.If<frame::Start>()) {
    return absl::StrCat(ToAbsl(start->mechanisms), start->tells_refused_login);
  }
  if (const auto* close = payload.If<frame::Close>()) {
    return absl::StrCat(close->code, ToAbsl(close->text));
  }
  if (const auto* deliver = payload.If<frame::Deliver>()) {
    return absl::StrCat(deliver->delivery_tag, ToAbsl(deliver->consumer_tag),
                        ToAbsl(deliver->exchange), " ",
                        ToAbsl(deliver->routing_key));
  }
  if (const auto* returned = payload.If<frame::Return>()) {
    return absl::StrCat(returned->code, ToAbsl(returned->text), " ",
                        ToAbsl(returned->routing_key));
  }
  if (const auto* body = payload.If<frame::Body>()) {
    return std::string(body->bytes);
  }
  const auto* header = payload.If<frame::ContentHeader>();
  if (header == nullptr) return "";
  std::string text = absl::StrCat(
      header->body_size, ToAbsl(header->properties->correlation_id.view()),
      header->properties->headers_refused);
  for (const Header& each : header->properties->headers) text += each.name;
  return text;
}

// What came of `bytes` in pieces whose sizes `cuts` says, as text.
std::string Decoded(std::string_view bytes, std::string_view cuts) {
  std::string trace;
  Decoder decoder;
  for (std::size_t i = 0; !bytes.empty(); ++i) {
    const std::size_t size =
        cuts.empty() ? bytes.size()
                     : 1 + static_cast<unsigned char>(cuts[i % cuts.size()]);
    fuzz::Feed(decoder, size, &bytes);
    for (;;) {
      const absl::StatusOr<Frame*> frame = decoder.Next();
      if (!frame.ok()) return absl::StrCat(trace, frame.status().message());
      if (*frame == nullptr) break;
      absl::StrAppend(&trace, (*frame)->channel, ":",
                      (*frame)->payload.number(), ":",
                      Describe((*frame)->payload), "\n");
    }
  }
  return trace;
}

}  // namespace
}  // namespace rpc::amqp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  rpc::fuzz::Input input(data, size);
  const std::string_view cuts = input.Bytes(input.Below(8));
  // Frames of the input's own making, and then others of the right form: a
  // mutation seldom gets a frame's size and its end right.
  std::string bytes(input.Text());
  while (!input.empty()) {
    const auto type = input.Take<std::uint8_t>();
    const auto channel = input.Take<std::uint16_t>();
    rpc::fuzz::AppendFrame(type, channel, input.Text(), &bytes);
  }
  rpc::fuzz::Require(
      rpc::amqp::Decoded(bytes, "") == rpc::amqp::Decoded(bytes, cuts),
      "frames are the same however they are cut");
  return 0;
}
