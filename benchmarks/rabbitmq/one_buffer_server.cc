// The fastest server that plain rabbitmq-c allows: one thread, the replies of a
// batch and then one acknowledgement for them all leave in one send.

#include <amqp.h>
#include <poll.h>

#include <cstdint>

#include "benchmarks/rabbitmq/broker_channel.h"
#include "benchmarks/rabbitmq/fibonacci.h"
#include "benchmarks/rabbitmq/flags.h"
#include "benchmarks/rabbitmq/frame_reader.h"
#include "benchmarks/rabbitmq/frame_writer.h"
#include "benchmarks/rabbitmq/properties.h"
#include "benchmarks/rabbitmq/stop_signal.h"

namespace rpc::benchmarks {
namespace {

class OneBufferServer {
 public:
  explicit OneBufferServer(const Flags& flags)
      : flags_(flags),
        channel_(flags),
        reader_(channel_),
        writer_(channel_.descriptor()) {
    if (flags.confirms) channel_.SelectConfirms();
    channel_.ConsumeRequests(flags.queue, flags.prefetch);
  }

  void Serve() {
    PrintServing(flags_);
    const auto answer = [this](const RawDelivery& request) { Answer(request); };
    reader_.ReadBuffered(answer);
    Flush();
    while (!stop_.Requested()) {
      WaitReadable();
      reader_.Read(answer);
      Flush();
    }
    PrintServed(flags_, calls_);
  }

 private:
  void WaitReadable() {
    pollfd readable = {
        .fd = channel_.descriptor(), .events = POLLIN, .revents = 0};
    if (::poll(&readable, 1, 1000) == 0) writer_.Heartbeat();
  }

  void Answer(const RawDelivery& request) {
    const DecimalText body = FibonacciReply(request.body);
    writer_.Publish(ToView(request.properties->reply_to), 0,
                    ReplyProperties(request.properties->correlation_id),
                    body.view());
    ++calls_;
    last_tag_ = request.tag;
    if (++batched_ == flags_.batch) Flush();
  }

  void Flush() {
    if (batched_ > 0) writer_.AckThrough(last_tag_);
    batched_ = 0;
    writer_.Flush();
  }

  const Flags flags_;
  const StopSignal stop_;
  BrokerChannel channel_;
  FrameReader reader_;
  FrameWriter writer_;
  std::uint64_t last_tag_ = 0;
  std::uint64_t batched_ = 0;
  std::uint64_t calls_ = 0;
};

}  // namespace
}  // namespace rpc::benchmarks

int main(int argc, char** argv) {
  rpc::benchmarks::OneBufferServer(rpc::benchmarks::ParseFlags(argc, argv))
      .Serve();
}
