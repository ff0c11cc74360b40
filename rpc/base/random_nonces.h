#ifndef RPC_BASE_RANDOM_NONCES_H_
#define RPC_BASE_RANDOM_NONCES_H_

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace rpc {

// Numbers that nobody can predict, from the kernel, fetched in blocks: a system
// call per number would cost more than the rest of a call's bookkeeping. A
// forked child would repeat its parent's: it needs objects of its own.
// Thread-compatible.
class RandomNonces {
 public:
  std::uint64_t Next() {
    if (next_ == block_.size()) Refill();
    return block_[next_++];
  }

  // 128 of their bits as 32 hexadecimal digits: a name nobody else has.
  std::string NextName() {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string name;
    for (int i = 0; i < 2; ++i) {
      const std::uint64_t bits = Next();
      for (int shift = 60; shift >= 0; shift -= 4) {
        name += kDigits[(bits >> shift) & 15];
      }
    }
    return name;
  }

 private:
  void Refill() {
    auto* at = reinterpret_cast<char*>(block_.data());
    std::size_t left = sizeof(block_);
    while (left > 0) {
      const ssize_t got = getrandom(at, left, 0);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return RefillFromDevice();
      at += got;
      left -= static_cast<std::size_t>(got);
    }
    next_ = 0;
  }

  // Where a sandbox or an old kernel has no getrandom().
  void RefillFromDevice() {
    std::random_device device;
    for (std::uint64_t& number : block_) {
      number = std::uint64_t{device()} << 32 | device();
    }
    next_ = 0;
  }

  std::array<std::uint64_t, 128> block_ = {};
  std::size_t next_ = block_.size();
};

}  // namespace rpc

#endif  // RPC_BASE_RANDOM_NONCES_H_
