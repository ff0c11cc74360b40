#ifndef RPC_TESTS_SUPPORT_FAULT_PROXY_H_
#define RPC_TESTS_SUPPORT_FAULT_PROXY_H_

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "rpc/amqp/descriptor.h"
#include "rpc/base/deadline.h"

namespace rpc::testing {

// What a network does to a direction of a connection.
enum class Fault {
  kNone,
  // Nothing is read: the sender's kernel fills up.
  kStall,
  // What is read is kept, as far as memory goes, and passes when this is over.
  kFreeze,
  // What is read is thrown away.
  kDrop,
  // One byte is inverted, the first after those that pass.
  kCorrupt,
  // The connection ends: both sides see a reset, or an orderly end.
  kReset,
  kFinish
};

// The faults of one direction. The first `after` bytes pass untouched, counted
// from when the faults were set or the connection began.
struct DirectionFaults {
  Fault fault = Fault::kNone;
  std::uint64_t after = 0;

  // How much later than it came each byte passes.
  absl::Duration delay = absl::ZeroDuration();

  // No more than `burst` bytes pass in each `every`. 0: as many as may be.
  std::size_t burst = 0;
  absl::Duration every = absl::ZeroDuration();
};

// What becomes of those who dial.
enum class NewConnections {
  kForward,
  // As at a port where nobody listens.
  kRefuse,
  // Accepted, and never spoken to.
  kSilent
};

struct ProxyFaults {
  DirectionFaults to_broker = {};
  DirectionFaults to_client = {};
  NewConnections new_connections = NewConnections::kForward;
};

// How a connection ends: by RST, or by FIN after what was on its way.
enum class Cut { kReset, kFinish };

// Stands between a client and a broker on 127.0.0.1 and does what networks do.
// One thread, which sleeps in poll(2) until there is something to do. What is
// set has taken effect when the call returns. Thread-safe.
class FaultProxy {
 public:
  // Passes connections on to `target`, a port of 127.0.0.1. Throws
  // std::runtime_error if it cannot listen: a test fails then.
  explicit FaultProxy(int target);
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;
  // Resets the connections that are open.
  ~FaultProxy();

  int port() const { return port_; }

  // Of the connections that are open and of those to come.
  void SetFaults(const ProxyFaults& faults);
  // Of the connections that are open; those to come have none.
  void Afflict(const ProxyFaults& faults);
  void CutAll(Cut cut);
  // Of connections to come.
  void SetTarget(int target);

  // How many connections there have been, refused ones excepted, and how many
  // there are.
  int accepted() const { return accepted_; }
  int open() const { return open_; }
  // How often its thread woke.
  std::uint64_t turns() const { return turns_; }

 private:
  class Link;

  // Has the thread do it, and waits for that.
  void Do(std::function<void()> task);

  // Of the thread.
  void Run();
  void DoTasks();
  void AcceptAll(TimePoint now);
  void Sleep(TimePoint now);
  void Listen();
  void StopListening();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::function<void()>> tasks_;
  std::uint64_t asked_ = 0;
  std::uint64_t done_ = 0;

  std::atomic<int> accepted_{0};
  std::atomic<int> open_{0};
  std::atomic<std::uint64_t> turns_{0};

  // Of the thread.
  bool stopping_ = false;
  int target_;
  int port_ = 0;
  ProxyFaults faults_;
  bool listening_ = false;
  amqp::Descriptor listener_;
  std::vector<std::unique_ptr<Link>> links_;

  const amqp::Descriptor wakeup_;
  std::thread thread_;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_SUPPORT_FAULT_PROXY_H_
