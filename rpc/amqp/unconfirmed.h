#ifndef RPC_AMQP_UNCONFIRMED_H_
#define RPC_AMQP_UNCONFIRMED_H_

#include <cstddef>
#include <cstdint>
#include <deque>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "rpc/amqp/modes.h"

namespace rpc::amqp {

// The publishes of a channel that wait for the broker's confirm. The broker
// numbers them from 1 in the order of the publishes. Thread-compatible.
class Unconfirmed {
 public:
  // The number of the next publish.
  std::uint64_t Add() {
    waiting_.push_back(true);
    return first_ + waiting_.size() - 1;
  }

  // Calls `settle(number)` for each publish that a confirm of `tag` settles;
  // `settle` may Add(). INTERNAL for a tag that no publish waits for: the bytes
  // of the connection cannot be trusted any more.
  template <typename Settle>
  absl::Status Settled(std::uint64_t tag, AckMode mode, Settle settle) {
    const std::uint64_t end = first_ + waiting_.size();
    if (tag < first_ || tag >= end || !waiting_[Index(tag)]) {
      return absl::InternalError(absl::StrCat("the broker confirmed publish ",
                                              tag,
                                              ", which does not wait for it; "
                                              "waiting are at most ",
                                              first_, " to ", end - 1));
    }
    std::uint64_t number = mode == AckMode::kMultiple ? first_ : tag;
    for (; number <= tag; ++number) {
      if (!waiting_[Index(number)]) continue;
      waiting_[Index(number)] = false;
      settle(number);
    }
    while (!waiting_.empty() && !waiting_.front()) {
      waiting_.pop_front();
      ++first_;
    }
    return absl::OkStatus();
  }

 private:
  std::size_t Index(std::uint64_t number) const {
    return static_cast<std::size_t>(number - first_);
  }

  std::uint64_t first_ = 1;  // of waiting_
  std::deque<bool> waiting_;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_UNCONFIRMED_H_
