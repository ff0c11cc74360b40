#ifndef RPC_AMQP_NESTING_H_
#define RPC_AMQP_NESTING_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "rpc/amqp/big_endian.h"

namespace rpc::amqp {

// Tables and arrays within each other that rabbitmq-c may decode. RabbitMQ's
// own server properties have two levels.
inline constexpr int kMaxNesting = 8;

// Walks through an encoded table before rabbitmq-c decodes it, whose decoder
// recurses as deep as the peer nests, and takes what lies beyond a nested
// table's end for a part of it. Total on every input.
class Nesting {
 public:
  // Whether `table`, without its length prefix, is whole and has no more levels
  // than kMaxNesting.
  static bool IsBounded(std::string_view table) {
    return Nesting(table).Table(1);
  }

 private:
  explicit Nesting(std::string_view bytes) : rest_(bytes) {}

  bool Table(int level) {
    while (!rest_.empty()) {
      const std::size_t name = static_cast<unsigned char>(rest_.front());
      if (!Skip(1 + name) || !Value(level)) return false;
    }
    return true;
  }

  bool Array(int level) {
    while (!rest_.empty()) {
      if (!Value(level)) return false;
    }
    return true;
  }

  bool Value(int level) {
    if (rest_.empty()) return false;
    const char kind = rest_.front();
    rest_.remove_prefix(1);
    if (kind == 'S' || kind == 'x' || kind == 'F' || kind == 'A') {
      return Sized(kind, level);
    }
    const int size = SizeOf(kind);
    return size >= 0 && Skip(static_cast<std::size_t>(size));
  }

  // What has its length in front.
  bool Sized(char kind, int level) {
    if (rest_.size() < 4) return false;
    const std::size_t size = BigEndian<std::uint32_t>(rest_.data());
    rest_.remove_prefix(4);
    const std::string_view inner = rest_.substr(0, size);
    if (!Skip(size)) return false;
    if (kind == 'S' || kind == 'x') return true;
    if (level == kMaxNesting) return false;
    return kind == 'F' ? Nesting(inner).Table(level + 1)
                       : Nesting(inner).Array(level + 1);
  }

  // Bytes of a value of fixed size; negative if there is no such kind.
  static int SizeOf(char kind) {
    switch (kind) {
      case 'V':
        return 0;
      case 't':
      case 'b':
      case 'B':
        return 1;
      case 's':
      case 'u':
        return 2;
      case 'I':
      case 'i':
      case 'f':
        return 4;
      case 'D':
        return 5;
      case 'l':
      case 'L':
      case 'T':
      case 'd':
        return 8;
      default:
        return -1;
    }
  }

  bool Skip(std::size_t size) {
    if (size > rest_.size()) return false;
    rest_.remove_prefix(size);
    return true;
  }

  std::string_view rest_;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_NESTING_H_
