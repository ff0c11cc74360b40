#ifndef RPC_TESTS_FUZZ_FRAMES_H_
#define RPC_TESTS_FUZZ_FRAMES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "rpc/amqp/decoder.h"
#include "rpc/amqp/rabbitmq_c.h"

// Bytes of a peer's, for fuzz targets that cut their input into frames.
namespace rpc::fuzz {

inline void AppendNumber(std::uint64_t value, int size, std::string* bytes) {
  for (int i = size - 1; i >= 0; --i) {
    bytes->push_back(static_cast<char>(value >> (8 * i)));
  }
}

inline void AppendFrame(unsigned type, std::uint16_t channel,
                        std::string_view payload, std::string* bytes) {
  bytes->push_back(static_cast<char>(type));
  AppendNumber(channel, 2, bytes);
  AppendNumber(payload.size(), 4, bytes);
  bytes->append(payload);
  bytes->push_back(static_cast<char>(AMQP_FRAME_END));
}

// Takes as much of `*bytes` as `most` and the decoder's room allow.
inline void Feed(amqp::Decoder& decoder, std::size_t most,
                 std::string_view* bytes) {
  const auto room = decoder.Room();
  const std::size_t size = std::min({room.size(), most, bytes->size()});
  bytes->copy(room.data(), size);
  decoder.Received(size);
  bytes->remove_prefix(size);
}

}  // namespace rpc::fuzz

#endif  // RPC_TESTS_FUZZ_FRAMES_H_
