#ifndef RPC_TRANSPORT_RABBITMQ_ACK_WINDOW_H_
#define RPC_TRANSPORT_RABBITMQ_ACK_WINDOW_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace rpc::rabbitmq {

// The deliveries of one channel that are not settled, and how to acknowledge in
// the fewest frames those that are: RabbitMQ numbers a channel's deliveries 1,
// 2, 3, ..., and one ack can cover all up to a number. Thread-compatible.
class AckWindow {
 public:
  // To be called for each delivery, in order.
  void Delivered(std::uint64_t tag) {
    if (window_.empty()) first_ = tag;
    window_.push_back(State::kOpen);
  }

  // An ack is due; Flush() says which frame it goes into.
  void Ack(std::uint64_t tag) {
    if (Set(tag, State::kAckDue)) due_.push_back(tag);
  }
  // Settled by a frame of its own.
  void Settled(std::uint64_t tag) { Set(tag, State::kSettled); }

  // Calls `ack_up_to(tag)` at most once, for the longest run that is settled
  // from the first open delivery on, and `ack_one(tag)` for each that finished
  // before an earlier one: none waits for a slow neighbour.
  template <typename AckUpTo, typename AckOne>
  void Flush(AckUpTo&& ack_up_to, AckOne&& ack_one) {
    std::uint64_t up_to = 0;
    while (!window_.empty() && window_.front() != State::kOpen) {
      if (window_.front() == State::kAckDue) up_to = first_;
      window_.pop_front();
      ++first_;
    }
    if (up_to != 0) ack_up_to(up_to);
    for (const std::uint64_t tag : due_) {
      if (tag <= up_to) continue;
      ack_one(tag);
      Set(tag, State::kSettled);
    }
    due_.clear();
  }

 private:
  enum class State : unsigned char { kOpen, kAckDue, kSettled };

  bool Set(std::uint64_t tag, State state) {
    if (tag < first_ || tag - first_ >= window_.size()) return false;
    window_[static_cast<std::size_t>(tag - first_)] = state;
    return true;
  }

  std::deque<State> window_;
  // The tag that the front of the window stands for.
  std::uint64_t first_ = 0;
  std::vector<std::uint64_t> due_;
};

}  // namespace rpc::rabbitmq

#endif  // RPC_TRANSPORT_RABBITMQ_ACK_WINDOW_H_
