// Blocking callers written by hand with plain rabbitmq-c: many threads share
// one connection, which one I/O thread owns. Callers queue their request and
// wake that thread by an eventfd when it sleeps; it encodes what is queued into
// one buffer, sends once, and wakes each caller whose reply came.

#include <amqp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "benchmarks/rabbitmq/broker_channel.h"
#include "benchmarks/rabbitmq/call_meter.h"
#include "benchmarks/rabbitmq/call_slots.h"
#include "benchmarks/rabbitmq/fail.h"
#include "benchmarks/rabbitmq/fibonacci.h"
#include "benchmarks/rabbitmq/flags.h"
#include "benchmarks/rabbitmq/frame_reader.h"
#include "benchmarks/rabbitmq/frame_writer.h"
#include "benchmarks/rabbitmq/properties.h"

namespace rpc::benchmarks {
namespace {

// A caller sleeps here until the I/O thread has its reply.
class Answered {
 public:
  void Set() {
    const std::lock_guard<std::mutex> lock(mutex_);
    set_ = true;
    changed_.notify_one();
  }

  // False if `patience` passed first.
  bool TakeWithin(std::chrono::milliseconds patience) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (!changed_.wait_for(lock, patience, [this] { return set_; })) {
      return false;
    }
    set_ = false;
    return true;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

// The slots that callers want published, and the way to wake the I/O thread.
class Outbox {
 public:
  Outbox() : event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  ~Outbox() { ::close(event_); }

  void Add(std::uint64_t slot) {
    bool wake = false;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      slots_.push_back(slot);
      wake = std::exchange(sleeping_, false);
    }
    if (wake) Wake();
  }

  void Wake() const {
    const std::uint64_t one = 1;
    BrokerChannel::Check(::write(event_, &one, sizeof(one)) == sizeof(one),
                         "eventfd");
  }

  // Sleeps until `descriptor` is readable or something was added, and moves
  // what was added to `slots`.
  void Wait(int descriptor, std::vector<std::uint64_t>& slots) {
    bool sleep = false;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      sleep = sleeping_ = slots_.empty();
    }
    pollfd ready[] = {{.fd = descriptor, .events = POLLIN, .revents = 0},
                      {.fd = event_, .events = POLLIN, .revents = 0}};
    if (sleep) ::poll(ready, 2, -1);
    if (ready[1].revents != 0) {
      std::uint64_t count = 0;
      BrokerChannel::Check(
          ::read(event_, &count, sizeof(count)) == sizeof(count), "eventfd");
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    sleeping_ = false;
    slots.clear();
    slots.swap(slots_);
  }

 private:
  const int event_;
  std::mutex mutex_;
  std::vector<std::uint64_t> slots_;
  bool sleeping_ = false;
};

class BlockingClient {
 public:
  explicit BlockingClient(const Flags& flags)
      : flags_(flags),
        channel_(flags),
        reply_to_(channel_.ConsumeReplies()),
        reader_(channel_),
        writer_(channel_.descriptor()),
        slots_(flags.threads),
        answered_(flags.threads),
        meter_(flags) {}

  void Run() {
    std::jthread io([this](std::stop_token stop) { DriveConnection(stop); });
    std::vector<std::jthread> callers;
    for (std::uint64_t slot = 0; slot < flags_.threads; ++slot) {
      callers.emplace_back([this, slot] {
        while (Call(slot)) {
        }
      });
    }
    callers.clear();
    io.request_stop();
    outbox_.Wake();
  }

 private:
  static constexpr std::chrono::milliseconds kTimeout{10'000};

  // False when enough was measured.
  bool Call(std::uint64_t slot) {
    const auto started = CallMeter::Clock::now();
    outbox_.Add(slot);
    if (!answered_[slot].TakeWithin(kTimeout)) Fail("a call timed out");
    const std::lock_guard<std::mutex> lock(meter_mutex_);
    meter_.Finish(started);
    return !meter_.Done();
  }

  void DriveConnection(const std::stop_token& stop) {
    const auto take = [this](const RawDelivery& reply) { Take(reply); };
    std::vector<std::uint64_t> wanted;
    reader_.ReadBuffered(take);
    while (!stop.stop_requested()) {
      outbox_.Wait(channel_.descriptor(), wanted);
      for (const std::uint64_t slot : wanted) Publish(slot);
      writer_.Flush();
      reader_.Read(take);
    }
  }

  void Publish(std::uint64_t slot) {
    writer_.Publish(
        flags_.queue, IsMandatory(flags_.wire),
        RequestProperties(flags_.wire, reply_to_, slots_.Start(slot)),
        argument_.view());
  }

  void Take(const RawDelivery& reply) {
    const std::uint64_t slot =
        slots_.Finish(ToView(reply.properties->correlation_id));
    if (reply.body != expected_.view()) Fail("a reply has a wrong value");
    answered_[slot].Set();
  }

  const Flags flags_;
  BrokerChannel channel_;
  const std::string reply_to_;
  const DecimalText argument_{flags_.n};
  const DecimalText expected_{Fibonacci(flags_.n)};
  FrameReader reader_;
  FrameWriter writer_;
  CallSlots slots_;
  Outbox outbox_;
  std::deque<Answered> answered_;
  std::mutex meter_mutex_;
  CallMeter meter_;
};

}  // namespace
}  // namespace rpc::benchmarks

int main(int argc, char** argv) {
  rpc::benchmarks::Flags flags = rpc::benchmarks::ParseFlags(argc, argv);
  if (flags.threads == 0) flags.threads = 1;
  rpc::benchmarks::BlockingClient(flags).Run();
}
