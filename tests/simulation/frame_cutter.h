#ifndef TESTS_SIMULATION_FRAME_CUTTER_H_
#define TESTS_SIMULATION_FRAME_CUTTER_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "rpc/amqp/out_buffer.h"
#include "tests/amqp/sent_frames.h"

namespace rpc::simulation {

// The whole frames of what a client sent, in however many pieces.
class FrameCutter {
 public:
  // The client's protocol header has come.
  bool greeted() const { return greeted_; }

  std::vector<amqp::SentFrame> Take(std::string_view bytes) {
    rest_ += bytes;
    if (!greeted_) {
      if (rest_.size() < kGreeting) return {};
      greeted_ = true;
      rest_.erase(0, kGreeting);
    }
    std::size_t whole = 0;
    while (rest_.size() - whole >= kLeast) {
      const std::size_t size =
          static_cast<std::size_t>(
              amqp::BigEndian(std::string_view(rest_).substr(whole + 3, 4))) +
          kLeast;
      if (rest_.size() - whole < size) break;
      whole += size;
    }
    if (whole == 0) return {};
    amqp::OutBuffer out;
    out.Append(std::string_view(rest_).substr(0, whole));
    rest_.erase(0, whole);
    return amqp::TakeSent(out);
  }

 private:
  static constexpr std::size_t kGreeting = 8;
  static constexpr std::size_t kLeast = 8;  // a frame without a payload

  bool greeted_ = false;
  std::string rest_;
};

}  // namespace rpc::simulation

#endif  // TESTS_SIMULATION_FRAME_CUTTER_H_
