#ifndef RPC_CORE_RING_QUEUE_H_
#define RPC_CORE_RING_QUEUE_H_

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace rpc::core {

// A first-in first-out queue that keeps its memory: in steady state it does not
// allocate, whatever the size of T. Needs a move constructor only.
// Thread-compatible.
template <typename T>
class RingQueue {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }

  void Push(T&& value) {
    if (size_ == ring_.size()) Grow();
    At(size_).emplace(std::move(value));
    ++size_;
  }

  std::optional<T> Pop() {
    if (size_ == 0) return std::nullopt;
    std::optional<T>& first = At(0);
    std::optional<T> value(std::in_place, *std::move(first));
    first.reset();
    ++first_;
    --size_;
    return value;
  }

 private:
  void Grow() {
    std::vector<std::optional<T>> larger(ring_.empty() ? 16 : 2 * ring_.size());
    for (std::size_t i = 0; i < size_; ++i) {
      larger[i].emplace(*std::move(At(i)));
    }
    ring_ = std::move(larger);
    first_ = 0;
  }

  // The ring's size is a power of two.
  std::optional<T>& At(std::size_t i) {
    return ring_[(first_ + i) & (ring_.size() - 1)];
  }

  std::vector<std::optional<T>> ring_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace rpc::core

#endif  // RPC_CORE_RING_QUEUE_H_
