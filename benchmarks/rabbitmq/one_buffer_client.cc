// The fastest client that plain rabbitmq-c allows: one thread, requests encoded
// into one buffer that is sent once per batch, rabbitmq-c as the decoder.

#include <amqp.h>
#include <poll.h>

#include <string>

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

class OneBufferClient {
 public:
  explicit OneBufferClient(const Flags& flags)
      : flags_(flags),
        channel_(flags),
        reply_to_(channel_.ConsumeReplies()),
        reader_(channel_),
        writer_(channel_.descriptor()),
        slots_(flags.in_flight),
        meter_(flags) {
    if (flags.confirms) channel_.SelectConfirms();
  }

  void Run() {
    const auto take = [this](const RawDelivery& reply) { Take(reply); };
    reader_.ReadBuffered(take);
    for (std::uint64_t slot = 0; slot < slots_.size(); ++slot) Publish(slot);
    Flush();
    while (slots_.open() > 0 || Unconfirmed()) {
      pollfd readable = {
          .fd = channel_.descriptor(), .events = POLLIN, .revents = 0};
      ::poll(&readable, 1, -1);
      reader_.Read(take);
      Flush();
    }
  }

 private:
  bool Unconfirmed() const {
    return flags_.confirms && reader_.last_confirmed() < published_;
  }

  void Publish(std::uint64_t slot) {
    writer_.Publish(
        flags_.queue, IsMandatory(flags_.wire),
        RequestProperties(flags_.wire, reply_to_, slots_.Start(slot)),
        argument_.view());
    ++published_;
    if (++batched_ == flags_.batch) Flush();
  }

  void Take(const RawDelivery& reply) {
    const std::uint64_t slot =
        slots_.Finish(ToView(reply.properties->correlation_id));
    if (reply.body != expected_.view()) Fail("a reply has a wrong value");
    meter_.Finish(slots_.started(slot));
    if (!meter_.Done()) Publish(slot);
  }

  void Flush() {
    batched_ = 0;
    writer_.Flush();
  }

  const Flags flags_;
  BrokerChannel channel_;
  const std::string reply_to_;
  const DecimalText argument_{flags_.n};
  const DecimalText expected_{Fibonacci(flags_.n)};
  FrameReader reader_;
  FrameWriter writer_;
  std::uint64_t published_ = 0;
  std::uint64_t batched_ = 0;
  CallSlots slots_;
  CallMeter meter_;
};

}  // namespace
}  // namespace rpc::benchmarks

int main(int argc, char** argv) {
  rpc::benchmarks::OneBufferClient(rpc::benchmarks::ParseFlags(argc, argv))
      .Run();
}
