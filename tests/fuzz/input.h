#ifndef RPC_TESTS_FUZZ_INPUT_H_
#define RPC_TESTS_FUZZ_INPUT_H_

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace rpc::fuzz {

// Reads a fuzz target's input from front to back as the choices that it makes.
// Behind the end everything is zero or empty. Views point into the input.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return rest_.empty(); }

  // The most significant byte first, as AMQP has them.
  template <std::unsigned_integral Number>
  Number Take() {
    Number number = 0;
    for (const char byte : Bytes(sizeof(Number))) {
      number = static_cast<Number>(
          number << 8 | static_cast<Number>(static_cast<unsigned char>(byte)));
    }
    return number;
  }

  bool Flag() { return (Take<std::uint8_t>() & 1) != 0; }

  // From 0 to `end` - 1, of which there are at most 256.
  unsigned Below(unsigned end) { return Take<std::uint8_t>() % end; }

  // As many bytes as the next one says.
  std::string_view Text() { return Bytes(Take<std::uint8_t>()); }

  std::string_view Bytes(std::size_t size) {
    const std::string_view bytes =
        rest_.substr(0, std::min(size, rest_.size()));
    rest_.remove_prefix(bytes.size());
    return bytes;
  }

  std::string_view Rest() { return Bytes(rest_.size()); }

 private:
  std::string_view rest_;
};

}  // namespace rpc::fuzz

#endif  // RPC_TESTS_FUZZ_INPUT_H_
