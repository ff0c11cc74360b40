#ifndef TESTS_AMQP_BROKER_FRAMES_H_
#define TESTS_AMQP_BROKER_FRAMES_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "rpc/amqp/decoder.h"
#include "rpc/amqp/encoder.h"
#include "rpc/amqp/out_buffer.h"
#include "rpc/amqp/rabbitmq_c.h"

// Bytes as a broker sends them, for decoders.
namespace rpc::amqp {

inline std::string BigEndianBytes(std::uint64_t value, std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = size; i-- > 0; value >>= 8) {
    bytes[i] = static_cast<char>(value);
  }
  return bytes;
}

inline std::string RawFrame(int type, std::uint16_t channel,
                            std::string_view payload) {
  std::string frame(1, static_cast<char>(type));
  frame += BigEndianBytes(channel, 2);
  frame += BigEndianBytes(payload.size(), 4);
  frame += payload;
  frame += '\xCE';
  return frame;
}

template <typename Method>
std::string MethodFrame(std::uint16_t channel, amqp_method_number_t number,
                        const Method& method) {
  OutBuffer out;
  EXPECT_TRUE(Encoder(&out).Append(channel, number, method).ok());
  return std::string(out.view());
}

// A content header whose headers table is `table`, between a content type and
// a correlation id.
inline std::string HeaderFrameWithTable(std::string_view table) {
  std::string payload = BigEndianBytes(60, 2) + BigEndianBytes(0, 2);
  payload += BigEndianBytes(5, 8);
  payload +=
      BigEndianBytes(AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_HEADERS_FLAG |
                         AMQP_BASIC_CORRELATION_ID_FLAG,
                     2);
  payload += "\x0Atext/plain";
  payload += BigEndianBytes(table.size(), 4);
  payload += table;
  payload += "\x02id";
  return RawFrame(AMQP_FRAME_HEADER, 1, payload);
}

// One entry of a table: `value` with its type in front.
inline std::string TableEntry(std::string_view name, std::string_view value) {
  std::string entry(1, static_cast<char>(name.size()));
  entry += name;
  entry += value;
  return entry;
}

// An array in an array in an array: five bytes each.
inline std::string NestedArrays(int levels) {
  std::string value;
  for (int level = 0; level < levels; ++level) {
    value.insert(0, "A" + BigEndianBytes(value.size(), 4));
  }
  return value;
}

inline void Feed(Decoder& decoder, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto room = decoder.Room();
    const std::size_t size = std::min(room.size(), bytes.size());
    bytes.copy(room.data(), size);
    decoder.Received(size);
    bytes.remove_prefix(size);
  }
}

}  // namespace rpc::amqp

#endif  // TESTS_AMQP_BROKER_FRAMES_H_
