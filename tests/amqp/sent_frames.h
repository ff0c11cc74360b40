#ifndef TESTS_AMQP_SENT_FRAMES_H_
#define TESTS_AMQP_SENT_FRAMES_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rpc/amqp/out_buffer.h"
#include "rpc/amqp/rabbitmq_c.h"

namespace rpc::amqp {

// One frame that was encoded to be sent.
struct SentFrame {
  int type = 0;
  std::uint16_t channel = 0;
  std::uint32_t method = 0;  // of method frames
  std::string payload = {};  // of method frames: the arguments
};

inline std::uint64_t BigEndian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char byte : bytes) {
    value = value << 8 | static_cast<unsigned char>(byte);
  }
  return value;
}

// Takes the frames out of `out`, past a protocol header if one is there; marks
// them as sent.
inline std::vector<SentFrame> TakeSent(OutBuffer& out) {
  std::vector<SentFrame> frames;
  std::string_view rest = out.view();
  if (rest.substr(0, 4) == "AMQP") rest.remove_prefix(8);
  while (rest.size() >= 8) {
    SentFrame frame;
    frame.type = rest[0];
    frame.channel = static_cast<std::uint16_t>(BigEndian(rest.substr(1, 2)));
    const std::size_t size =
        static_cast<std::size_t>(BigEndian(rest.substr(3, 4)));
    if (rest.size() < size + 8) break;
    frame.payload = rest.substr(7, size);
    EXPECT_EQ(rest[7 + size], '\xCE');
    if (frame.type == AMQP_FRAME_METHOD) {
      frame.method = static_cast<std::uint32_t>(BigEndian(rest.substr(7, 4)));
      frame.payload.erase(0, 4);
    }
    frames.push_back(frame);
    rest.remove_prefix(size + 8);
  }
  EXPECT_TRUE(rest.empty()) << "half a frame was encoded";
  out.Sent(out.size());
  return frames;
}

// The numbers of the methods in `frames`.
inline std::vector<std::uint32_t> MethodsOf(
    const std::vector<SentFrame>& frames) {
  std::vector<std::uint32_t> methods;
  for (const SentFrame& frame : frames) {
    if (frame.type == AMQP_FRAME_METHOD) methods.push_back(frame.method);
  }
  return methods;
}

// The arguments of `frame` as rabbitmq-c's struct, valid as long as `frame` is
// and until `pool` is used again.
template <typename Method>
const Method& Arguments(const SentFrame& frame, MethodPool& pool) {
  pool.Recycle();
  void* decoded = nullptr;
  if (amqp_decode_method(frame.method, pool.get(), ToAmqp(frame.payload),
                         &decoded) < 0) {
    ADD_FAILURE() << "malformed method " << frame.method;
    static const Method empty = {};
    return empty;
  }
  return *static_cast<const Method*>(decoded);
}

}  // namespace rpc::amqp

#endif  // TESTS_AMQP_SENT_FRAMES_H_
