#ifndef RPC_BASE_RANDOM_NONCES_H_
#define RPC_BASE_RANDOM_NONCES_H_

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
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
    const bool filled = Fill(
        [](char* at, std::size_t size) { return ::getrandom(at, size, 0); });
    if (!filled) RefillFromDevice();
    next_ = 0;
  }

  // Where a sandbox or an old kernel has no getrandom().
  void RefillFromDevice() {
    const int device = ::open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    const bool filled = Fill(
        [&](char* at, std::size_t size) { return ::read(device, at, size); });
    if (device >= 0) ::close(device);
    if (!filled) RefillFromClock();
  }

  // Where there is neither: numbers that do not repeat, but that somebody who
  // knows this process well could predict.
  void RefillFromClock() {
    const auto time = std::chrono::system_clock::now().time_since_epoch();
    std::uint64_t state = static_cast<std::uint64_t>(time.count()) ^
                          reinterpret_cast<std::uintptr_t>(this);
    for (std::uint64_t& number : block_) {
      // SplitMix64, by Vigna.
      state += 0x9e3779b97f4a7c15;
      number = (state ^ state >> 30) * 0xbf58476d1ce4e5b9;
      number = (number ^ number >> 27) * 0x94d049bb133111eb;
      number ^= number >> 31;
    }
  }

  // False if `read` fails.
  template <typename Read>
  bool Fill(Read read) {
    auto* at = reinterpret_cast<char*>(block_.data());
    for (std::size_t left = sizeof(block_); left > 0;) {
      const ssize_t got = read(at, left);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      at += got;
      left -= static_cast<std::size_t>(got);
    }
    return true;
  }

  std::array<std::uint64_t, 128> block_ = {};
  std::size_t next_ = block_.size();
};

}  // namespace rpc

#endif  // RPC_BASE_RANDOM_NONCES_H_
