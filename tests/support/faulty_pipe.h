#ifndef RPC_TESTS_SUPPORT_FAULTY_PIPE_H_
#define RPC_TESTS_SUPPORT_FAULTY_PIPE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "rpc/base/deadline.h"
#include "tests/support/fault_proxy.h"

namespace rpc::testing {

// One direction of a connection through a FaultProxy: bytes on their way from
// one non-blocking socket to another. Thread-compatible.
class FaultyPipe {
 public:
  void SetFaults(const DirectionFaults& faults, TimePoint now);

  // Reads once and sends what is due. How the whole connection ends, if it
  // does.
  std::optional<Cut> Pump(int from, int to, TimePoint now);

  // What to poll the two sockets for, and when to pump at the latest.
  bool wants_to_read() const;
  bool wants_to_write() const { return blocked_; }
  TimePoint next_wake() const { return wake_; }
  // The end of the stream was passed on.
  bool over() const { return over_; }

 private:
  struct Chunk {
    std::string bytes;
    TimePoint due;
    bool faulty;  // not among the first `after` bytes
  };

  bool IsFaulty() const { return position_ >= faults_.after; }
  bool Keeps(Fault fault) const { return faults_.fault == fault && IsFaulty(); }
  std::optional<Cut> CutDue() const;
  std::size_t Room() const;
  void Read(int from, TimePoint now);
  void Take(std::string bytes, TimePoint now);
  // Whether `chunk` may pass now; otherwise wake_ is when it may, if time is
  // all that it needs.
  bool IsDue(const Chunk& chunk, TimePoint now);
  // False if the receiver is gone.
  bool Write(int to, TimePoint now);

  DirectionFaults faults_;
  std::uint64_t position_ = 0;  // bytes read since the faults were set
  std::deque<Chunk> chunks_;
  std::size_t held_ = 0;  // bytes in them
  TimePoint next_burst_;
  TimePoint wake_ = kNever;
  bool blocked_ = false;
  bool ended_ = false;   // the sender ends,
  bool broken_ = false;  // and with a reset
  bool over_ = false;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_SUPPORT_FAULTY_PIPE_H_
