// The client that a good engineer writes with rabbitmq-c alone: one thread, the
// library's calls for publishing and consuming.

#include <amqp.h>

#include <string>

#include "benchmarks/rabbitmq/broker_channel.h"
#include "benchmarks/rabbitmq/call_meter.h"
#include "benchmarks/rabbitmq/call_slots.h"
#include "benchmarks/rabbitmq/fail.h"
#include "benchmarks/rabbitmq/fibonacci.h"
#include "benchmarks/rabbitmq/flags.h"
#include "benchmarks/rabbitmq/properties.h"

namespace rpc::benchmarks {
namespace {

class ApiClient {
 public:
  explicit ApiClient(const Flags& flags)
      : flags_(flags),
        channel_(flags),
        reply_to_(channel_.ConsumeReplies()),
        slots_(flags.in_flight),
        meter_(flags) {}

  void Run() {
    for (std::uint64_t slot = 0; slot < slots_.size(); ++slot) Publish(slot);
    while (slots_.open() > 0) {
      const std::uint64_t slot = Consume();
      if (!meter_.Done()) Publish(slot);
    }
  }

 private:
  void Publish(std::uint64_t slot) {
    const amqp_basic_properties_t properties =
        RequestProperties(flags_.wire, reply_to_, slots_.Start(slot));
    const int status = amqp_basic_publish(
        channel_.connection(), BrokerChannel::kNumber, amqp_empty_bytes,
        ToAmqp(flags_.queue), IsMandatory(flags_.wire), 0, &properties,
        ToAmqp(argument_.view()));
    BrokerChannel::Check(status == AMQP_STATUS_OK, "basic.publish");
  }

  std::uint64_t Consume() {
    amqp_envelope_t envelope;
    amqp_maybe_release_buffers(channel_.connection());
    const amqp_rpc_reply_t outcome =
        amqp_consume_message(channel_.connection(), &envelope, nullptr, 0);
    BrokerChannel::Check(outcome.reply_type == AMQP_RESPONSE_NORMAL,
                         "waiting for a reply");
    const std::uint64_t slot =
        slots_.Finish(ToView(envelope.message.properties.correlation_id));
    if (ToView(envelope.message.body) != expected_.view()) {
      Fail("a reply has a wrong value");
    }
    meter_.Finish(slots_.started(slot));
    amqp_destroy_envelope(&envelope);
    return slot;
  }

  const Flags flags_;
  BrokerChannel channel_;
  const std::string reply_to_;
  const DecimalText argument_{flags_.n};
  const DecimalText expected_{Fibonacci(flags_.n)};
  CallSlots slots_;
  CallMeter meter_;
};

}  // namespace
}  // namespace rpc::benchmarks

int main(int argc, char** argv) {
  rpc::benchmarks::ApiClient(rpc::benchmarks::ParseFlags(argc, argv)).Run();
}
