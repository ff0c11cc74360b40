// The server that a good engineer writes with rabbitmq-c alone: one thread, the
// reply published and then each request acknowledged.

#include <amqp.h>
#include <sys/time.h>

#include <cstdint>

#include "benchmarks/rabbitmq/broker_channel.h"
#include "benchmarks/rabbitmq/fibonacci.h"
#include "benchmarks/rabbitmq/flags.h"
#include "benchmarks/rabbitmq/properties.h"
#include "benchmarks/rabbitmq/stop_signal.h"

namespace rpc::benchmarks {
namespace {

void Answer(const BrokerChannel& channel, const amqp_envelope_t& envelope) {
  const amqp_basic_properties_t& request = envelope.message.properties;
  const amqp_basic_properties_t reply = ReplyProperties(request.correlation_id);
  const DecimalText body = FibonacciReply(ToView(envelope.message.body));
  const int published = amqp_basic_publish(
      channel.connection(), BrokerChannel::kNumber, amqp_empty_bytes,
      request.reply_to, 0, 0, &reply, ToAmqp(body.view()));
  BrokerChannel::Check(published == AMQP_STATUS_OK, "basic.publish");
  const int acknowledged = amqp_basic_ack(
      channel.connection(), BrokerChannel::kNumber, envelope.delivery_tag, 0);
  BrokerChannel::Check(acknowledged == AMQP_STATUS_OK, "basic.ack");
}

void Serve(const Flags& flags) {
  const StopSignal stop;
  BrokerChannel channel(flags);
  channel.ConsumeRequests(flags.queue, flags.prefetch);
  PrintServing(flags);
  std::uint64_t calls = 0;
  while (!stop.Requested()) {
    amqp_envelope_t envelope;
    const timeval patience = {.tv_sec = 0, .tv_usec = 100'000};
    amqp_maybe_release_buffers(channel.connection());
    const amqp_rpc_reply_t outcome =
        amqp_consume_message(channel.connection(), &envelope, &patience, 0);
    if (outcome.reply_type != AMQP_RESPONSE_NORMAL) {
      BrokerChannel::Check(outcome.library_error == AMQP_STATUS_TIMEOUT,
                           "waiting for a request");
      continue;
    }
    Answer(channel, envelope);
    amqp_destroy_envelope(&envelope);
    ++calls;
  }
  PrintServed(flags, calls);
}

}  // namespace
}  // namespace rpc::benchmarks

int main(int argc, char** argv) {
  rpc::benchmarks::Serve(rpc::benchmarks::ParseFlags(argc, argv));
}
