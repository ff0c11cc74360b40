#ifndef RPC_TRANSPORT_RABBITMQ_IN_SEQUENCE_H_
#define RPC_TRANSPORT_RABBITMQ_IN_SEQUENCE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

namespace rpc::rabbitmq {

// What belongs to the publishes of one channel that wait for their confirms:
// RabbitMQ numbers them 1, 2, 3, ... and confirms each once, in any order.
// Thread-compatible.
template <typename T>
class InSequence {
 public:
  bool empty() const { return size_ == 0; }
  // Of those that were added and not taken.
  std::size_t size() const { return size_; }

  // A channel with numbers of its own.
  void Begin() {
    waiting_.clear();
    first_ = 1;
    size_ = 0;
  }

  // Belongs to the publish after the last one that was added.
  void Add(T value) {
    waiting_.emplace_back(std::move(value));
    ++size_;
  }

  // Of a number that was added and not taken.
  T Take(std::uint64_t number) {
    T value = *std::move(waiting_[static_cast<std::size_t>(number - first_)]);
    waiting_[static_cast<std::size_t>(number - first_)].reset();
    --size_;
    while (!waiting_.empty() && !waiting_.front().has_value()) {
      waiting_.pop_front();
      ++first_;
    }
    return value;
  }

 private:
  std::deque<std::optional<T>> waiting_;
  // The number of the front.
  std::uint64_t first_ = 1;
  std::size_t size_ = 0;
};

}  // namespace rpc::rabbitmq

#endif  // RPC_TRANSPORT_RABBITMQ_IN_SEQUENCE_H_
