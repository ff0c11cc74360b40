#ifndef RPC_AMQP_BIG_ENDIAN_H_
#define RPC_AMQP_BIG_ENDIAN_H_

#include <concepts>
#include <cstddef>

namespace rpc::amqp {

// The number at `bytes`, of which there are as many as it has: AMQP 0-9-1
// sends the most significant first.
template <std::unsigned_integral Number>
Number BigEndian(const char* bytes) {
  Number number = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i) {
    number =
        static_cast<Number>(number << 8) | static_cast<unsigned char>(bytes[i]);
  }
  return number;
}

}  // namespace rpc::amqp

#endif  // RPC_AMQP_BIG_ENDIAN_H_
