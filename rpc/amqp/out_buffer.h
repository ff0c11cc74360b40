#ifndef RPC_AMQP_OUT_BUFFER_H_
#define RPC_AMQP_OUT_BUFFER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace rpc::amqp {

// The encoded bytes that wait to be sent, in one piece, so that all of them
// leave in one system call. Its memory is kept from turn to turn.
// Thread-compatible.
class OutBuffer {
 public:
  bool empty() const { return begin_ == end_; }
  std::size_t size() const { return end_ - begin_; }
  std::string_view view() const { return {bytes_.data() + begin_, size()}; }

  // Bytes ever appended, and ever sent. What was appended from position `p` on
  // has not left this process while `total_sent() <= p`.
  std::uint64_t total_appended() const { return sent_ + size(); }
  std::uint64_t total_sent() const { return sent_; }

  // How much of what was sent the kernel still had when it was last asked, and
  // how much has reached the peer's for certain.
  void set_on_the_way(std::uint64_t size) { on_the_way_ = size; }
  std::uint64_t total_taken() const {
    return sent_ - std::min(sent_, on_the_way_);
  }

  void Append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(Room(bytes.size()), bytes.data(), bytes.size());
    Commit(bytes.size());
  }

  // Where the next `size` bytes may be written, before Commit(). Invalidates
  // views and earlier rooms.
  char* Room(std::size_t size) {
    if (bytes_.size() - end_ < size) MakeRoom(size);
    return bytes_.data() + end_;
  }
  void Commit(std::size_t size) { end_ += size; }

  // Drops the last `size` bytes appended; they must not have been sent.
  void TakeBack(std::size_t size) { end_ -= size; }

  // The first `size` bytes were sent.
  void Sent(std::size_t size) {
    begin_ += size;
    sent_ += size;
    if (begin_ != end_) return;
    begin_ = end_ = 0;
    if (bytes_.size() > kKeep) std::vector<char>(kKeep).swap(bytes_);
  }

 private:
  // One large body does not keep its memory for ever.
  static constexpr std::size_t kKeep = std::size_t{1024} * 1024;

  void MakeRoom(std::size_t size) {
    if (begin_ > 0) {
      std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (bytes_.size() - end_ >= size) return;
    bytes_.resize(std::max({end_ + size, bytes_.size() * 2, kFirst}));
  }

  static constexpr std::size_t kFirst = 4096;

  std::vector<char> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t on_the_way_ = 0;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_OUT_BUFFER_H_
