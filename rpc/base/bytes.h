#ifndef RPC_BASE_BYTES_H_
#define RPC_BASE_BYTES_H_

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

namespace rpc {

// Whatever a serializer can append to: rpc::Bytes, rpc::FixedBytes,
// std::string.
template <typename Sink>
concept ByteSink = requires(Sink& sink, const char* data, std::size_t size) {
  sink.append(data, size);
};

// A growable byte string that keeps up to `kInline` bytes in itself, so that
// the short bodies and ids of most calls cost no allocation. Thread-compatible.
template <std::size_t kInline>
class InlineBytes {
 public:
  InlineBytes() = default;
  // NOLINTBEGIN(google-explicit-constructor): as a std::string.
  InlineBytes(std::string_view bytes) { append(bytes.data(), bytes.size()); }
  InlineBytes(const char* text) : InlineBytes(std::string_view(text)) {}
  // NOLINTEND(google-explicit-constructor)
  InlineBytes(const InlineBytes& other) : InlineBytes(other.view()) {}
  InlineBytes(InlineBytes&& other) noexcept { Take(other); }
  InlineBytes& operator=(const InlineBytes& other) {
    if (this == &other) return *this;
    clear();
    append(other.data_, other.size_);
    return *this;
  }
  InlineBytes& operator=(InlineBytes&& other) noexcept {
    if (this == &other) return *this;
    Free();
    Take(other);
    return *this;
  }
  ~InlineBytes() { Free(); }

  // `data` may not point into this.
  void append(const char* data, std::size_t size) {
    if (size == 0) return;
    if (size > capacity_ - size_) {
      reserve(std::max(size_ + size, 2 * capacity_));
    }
    std::memcpy(data_ + size_, data, size);
    size_ += size;
  }
  void clear() { size_ = 0; }
  void reserve(std::size_t capacity) {
    if (capacity <= capacity_) return;
    char* const larger = new char[capacity];
    if (size_ != 0) std::memcpy(larger, data_, size_);
    if (data_ != inline_) delete[] data_;
    data_ = larger;
    capacity_ = capacity;
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::string_view view() const { return {data_, size_}; }
  // NOLINTNEXTLINE(google-explicit-constructor)
  operator std::string_view() const { return view(); }

  template <std::convertible_to<std::string_view> Text>
  friend bool operator==(const InlineBytes& a, const Text& b) {
    return a.view() == std::string_view(b);
  }

 private:
  // Of a new or freed string.
  void Take(InlineBytes& other) {
    if (other.data_ == other.inline_) {
      append(other.data_, other.size_);
    } else {
      data_ = std::exchange(other.data_, other.inline_);
      size_ = other.size_;
      capacity_ = std::exchange(other.capacity_, kInline);
    }
    other.size_ = 0;
  }
  void Free() {
    if (data_ != inline_) delete[] data_;
    data_ = inline_;
    size_ = 0;
    capacity_ = kInline;
  }

  char* data_ = inline_;
  std::size_t size_ = 0;
  std::size_t capacity_ = kInline;
  char inline_[kInline];
};

// A body: most typed arguments and results are short.
using Bytes = InlineBytes<64>;

// An id, a queue name, a content type: AMQP allows 255 bytes, a server-named
// queue has 30 and a uuid 36.
using ShortText = InlineBytes<40>;

// A byte string with room for `kCapacity` bytes that works in constant
// expressions. What does not fit is dropped and remembered: see overflowed().
template <std::size_t kCapacity>
class FixedBytes {
 public:
  constexpr FixedBytes() = default;

  constexpr void append(const char* data, std::size_t size) {
    if (size > kCapacity - size_) {
      overflowed_ = true;
      size = kCapacity - size_;
    }
    for (std::size_t i = 0; i < size; ++i) bytes_[size_ + i] = data[i];
    size_ += size;
  }

  constexpr bool overflowed() const { return overflowed_; }
  constexpr std::size_t size() const { return size_; }
  constexpr std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, kCapacity> bytes_ = {};
  std::size_t size_ = 0;
  bool overflowed_ = false;
};

}  // namespace rpc

#endif  // RPC_BASE_BYTES_H_
