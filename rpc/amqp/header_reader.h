#ifndef RPC_AMQP_HEADER_READER_H_
#define RPC_AMQP_HEADER_READER_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "rpc/amqp/big_endian.h"
#include "rpc/amqp/message.h"

namespace rpc::amqp {

// Reads the entries at depth one of an encoded headers table, total on every
// input. rabbitmq-c's decoder is not used for what any publisher can write: it
// recurses as deep as the table nests, up to 26,000 levels in one frame.
// Field types as RabbitMQ and rabbitmq-c have them:
// https://www.rabbitmq.com/amqp-0-9-1-errata#section_3
class HeaderReader {
 public:
  // `table` without its length prefix; must outlive the reader.
  explicit HeaderReader(std::string_view table) : rest_(table) {}

  // Appends what it finds to `*headers`; false, leaving it empty, if the table
  // is malformed or passes kMaxHeaderBytes or kMaxHeaderEntries.
  bool ReadInto(std::vector<Header>* headers) {
    if (rest_.size() > kMaxHeaderBytes || !ReadAll(headers)) {
      headers->clear();
      return false;
    }
    return true;
  }

 private:
  bool ReadAll(std::vector<Header>* headers) {
    for (std::size_t entries = 0; !rest_.empty(); ++entries) {
      if (entries == kMaxHeaderEntries) return false;
      std::uint8_t name_size = 0;
      std::string_view name, kind;
      if (!Number(&name_size) || !Take(name_size, &name) || !Take(1, &kind)) {
        return false;
      }
      std::optional<HeaderValue> value;
      if (!Value(kind.front(), &value)) return false;
      if (value.has_value()) {
        headers->push_back({std::string(name), *std::move(value)});
      }
    }
    return true;
  }

  // False if malformed. Leaves `*value` empty for what is skipped.
  bool Value(char kind, std::optional<HeaderValue>* value) {
    switch (kind) {
      case 't':
        return Flag(value);
      case 'b':
        return Integral<std::int8_t>(value);
      case 'B':
        return Integral<std::uint8_t>(value);
      case 's':
        return Integral<std::int16_t>(value);
      case 'u':
        return Integral<std::uint16_t>(value);
      case 'I':
        return Integral<std::int32_t>(value);
      case 'i':
        return Integral<std::uint32_t>(value);
      case 'l':
      case 'L':
      case 'T':
        return Integral<std::int64_t>(value);
      case 'S':
      case 'x':
        return Text(value);
      case 'F':
      case 'A':
        return SkipSized();
      case 'f':
        return Skip(4);
      case 'd':
        return Skip(8);
      case 'D':
        return Skip(5);
      case 'V':
        return true;
      default:
        return false;
    }
  }

  bool Flag(std::optional<HeaderValue>* value) {
    std::uint8_t flag = 0;
    if (!Number(&flag)) return false;
    *value = flag != 0;
    return true;
  }

  template <typename Integer>
  bool Integral(std::optional<HeaderValue>* value) {
    std::make_unsigned_t<Integer> bits = 0;
    if (!Number(&bits)) return false;
    *value = static_cast<std::int64_t>(static_cast<Integer>(bits));
    return true;
  }

  bool Text(std::optional<HeaderValue>* value) {
    std::uint32_t size = 0;
    std::string_view text;
    if (!Number(&size) || !Take(size, &text)) return false;
    *value = std::string(text);
    return true;
  }

  bool SkipSized() {
    std::uint32_t size = 0;
    return Number(&size) && Skip(size);
  }

  bool Skip(std::uint64_t size) {
    std::string_view skipped;
    return Take(size, &skipped);
  }

  template <std::unsigned_integral Unsigned>
  bool Number(Unsigned* value) {
    std::string_view bytes;
    if (!Take(sizeof(Unsigned), &bytes)) return false;
    *value = BigEndian<Unsigned>(bytes.data());
    return true;
  }

  bool Take(std::uint64_t size, std::string_view* bytes) {
    if (size > rest_.size()) return false;
    *bytes = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(bytes->size());
    return true;
  }

  std::string_view rest_;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_HEADER_READER_H_
