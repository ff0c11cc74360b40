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
// the short bodies and ids of most calls cost no allocation, and that moves by
// copying itself, without a look at where its bytes are. Thread-compatible.
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
    append(other.data(), other.size());
    return *this;
  }
  InlineBytes& operator=(InlineBytes&& other) noexcept {
    if (this == &other) return *this;
    Free();
    Take(other);
    return *this;
  }
  // Of what is text and no InlineBytes of this size; may be a part of this.
  template <std::convertible_to<std::string_view> Text>
  InlineBytes& operator=(const Text& text) {
    const std::string_view bytes = text;
    if (bytes.size() > capacity()) return *this = InlineBytes(bytes);
    if (!bytes.empty()) std::memmove(data(), bytes.data(), bytes.size());
    tag_ = 2 * bytes.size() | (tag_ & kOnHeap);
    return *this;
  }
  ~InlineBytes() { Free(); }

  // `data` may not point into this.
  void append(const char* data, std::size_t size) {
    if (size == 0) return;
    const std::size_t old_size = this->size();
    if (size > capacity() - old_size) {
      reserve(std::max(old_size + size, 2 * capacity()));
    }
    std::memcpy(this->data() + old_size, data, size);
    tag_ += 2 * size;
  }
  void clear() { tag_ &= kOnHeap; }
  void reserve(std::size_t capacity) {
    if (capacity <= this->capacity()) return;
    const HeapBytes larger = {new char[capacity], capacity};
    std::memcpy(larger.data, data(), size());
    Free();
    std::memcpy(bytes_, &larger, sizeof(larger));
    tag_ |= kOnHeap;
  }

  std::size_t size() const { return tag_ / 2; }
  bool empty() const { return size() == 0; }
  std::string_view view() const { return {data(), size()}; }
  // NOLINTNEXTLINE(google-explicit-constructor)
  operator std::string_view() const { return view(); }

  template <std::convertible_to<std::string_view> Text>
  friend bool operator==(const InlineBytes& a, const Text& b) {
    return a.view() == std::string_view(b);
  }

 private:
  // What stands in place of the bytes when they are elsewhere.
  struct HeapBytes {
    char* data;
    std::size_t capacity;
  };
  static constexpr std::size_t kOnHeap = 1;
  static_assert(kInline >= sizeof(HeapBytes));

  bool is_on_heap() const { return (tag_ & kOnHeap) != 0; }
  HeapBytes heap() const {
    HeapBytes heap;
    std::memcpy(&heap, bytes_, sizeof(heap));
    return heap;
  }
  std::size_t capacity() const {
    return is_on_heap() ? heap().capacity : kInline;
  }
  char* data() { return is_on_heap() ? heap().data : bytes_; }
  const char* data() const { return is_on_heap() ? heap().data : bytes_; }

  // Of a new or freed string.
  void Take(InlineBytes& other) {
    std::memcpy(bytes_, other.bytes_, kInline);
    tag_ = std::exchange(other.tag_, 0);
  }
  void Free() {
    if (is_on_heap()) delete[] heap().data;
  }

  // Twice the size, and kOnHeap.
  std::size_t tag_ = 0;
  alignas(HeapBytes) char bytes_[kInline];
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
