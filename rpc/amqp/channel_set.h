#ifndef RPC_AMQP_CHANNEL_SET_H_
#define RPC_AMQP_CHANNEL_SET_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "rpc/amqp/channel.h"

namespace rpc::amqp {

// Names a channel of one session; never used twice in it, so that a frame that
// comes late for a closed channel is never taken for another's.
enum class ChannelId : std::uint16_t {};

// The channels of a session, numbered in the order in which they were opened.
// There are few at a time, so they lie in a list. Thread-compatible.
class ChannelSet {
 public:
  // The number for the next Add(); 0 once all 65535 are used.
  std::uint16_t next_number() const {
    return static_cast<std::uint16_t>(last_ + 1);
  }
  // Whether a channel of this number was ever opened.
  bool Used(std::uint16_t number) const { return number <= last_; }

  ChannelId Add(std::unique_ptr<Channel> channel) {
    last_ = channel->number();
    channels_.push_back(std::move(channel));
    return ChannelId{last_};
  }

  // Null if it is not open, or no more.
  Channel* Find(ChannelId id) const {
    for (const auto& channel : channels_) {
      if (ChannelId{channel->number()} == id) return channel.get();
    }
    return nullptr;
  }

  // Any that is ready; null if none is.
  Channel* FindReady() const {
    for (const auto& channel : channels_) {
      if (channel->ready()) return channel.get();
    }
    return nullptr;
  }

  std::unique_ptr<Channel> Take(const Channel* channel) {
    const auto found = std::find_if(
        channels_.begin(), channels_.end(),
        [&](const auto& candidate) { return candidate.get() == channel; });
    std::unique_ptr<Channel> taken = std::move(*found);
    channels_.erase(found);
    return taken;
  }
  std::vector<std::unique_ptr<Channel>> TakeAll() {
    return std::exchange(channels_, {});
  }

  auto begin() const { return channels_.begin(); }
  auto end() const { return channels_.end(); }

 private:
  std::vector<std::unique_ptr<Channel>> channels_;
  std::uint16_t last_ = 0;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_CHANNEL_SET_H_
