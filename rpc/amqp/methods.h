#ifndef RPC_AMQP_METHODS_H_
#define RPC_AMQP_METHODS_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "rpc/amqp/encoder.h"
#include "rpc/amqp/rabbitmq_c.h"
#include "rpc/amqp/table.h"
#include "rpc/amqp/topology.h"

// The methods that a channel's plan sends, from our values. Each returns
// INVALID_ARGUMENT for what cannot be encoded.
namespace rpc::amqp {

namespace methods_internal {

inline absl::Status ArgumentsRefused() {
  return absl::InvalidArgumentError(
      "cannot be encoded: an argument's name must have from 1 to 255 bytes");
}

}  // namespace methods_internal

inline absl::Status Append(Encoder& encoder, std::uint16_t channel,
                           const Exchange& exchange) {
  Table arguments;
  amqp_exchange_declare_t method = {};
  if (!arguments.Fill(exchange.arguments, &method.arguments)) {
    return methods_internal::ArgumentsRefused();
  }
  method.exchange = ToAmqp(exchange.name);
  method.type = ToAmqp(exchange.type);
  method.passive = exchange.declare == Declare::kPassive;
  method.durable = exchange.durable;
  method.auto_delete = exchange.auto_delete;
  method.internal = exchange.internal;
  return encoder.Append(channel, AMQP_EXCHANGE_DECLARE_METHOD, method);
}

inline absl::Status Append(Encoder& encoder, std::uint16_t channel,
                           const Queue& queue) {
  Table arguments;
  amqp_queue_declare_t method = {};
  if (!arguments.Fill(queue.arguments, &method.arguments)) {
    return methods_internal::ArgumentsRefused();
  }
  method.queue = ToAmqp(queue.name);
  method.passive = queue.declare == Declare::kPassive;
  method.durable = queue.durable;
  method.exclusive = queue.exclusive;
  method.auto_delete = queue.auto_delete;
  return encoder.Append(channel, AMQP_QUEUE_DECLARE_METHOD, method);
}

inline absl::Status Append(Encoder& encoder, std::uint16_t channel,
                           const Binding& binding) {
  Table arguments;
  amqp_queue_bind_t method = {};
  if (!arguments.Fill(binding.arguments, &method.arguments)) {
    return methods_internal::ArgumentsRefused();
  }
  method.queue = ToAmqp(binding.queue);
  method.exchange = ToAmqp(binding.exchange);
  method.routing_key = ToAmqp(binding.routing_key);
  return encoder.Append(channel, AMQP_QUEUE_BIND_METHOD, method);
}

inline absl::Status Append(Encoder& encoder, std::uint16_t channel,
                           const Consumer& consumer) {
  Table arguments;
  amqp_basic_consume_t method = {};
  if (!arguments.Fill(consumer.arguments, &method.arguments)) {
    return methods_internal::ArgumentsRefused();
  }
  method.queue = ToAmqp(consumer.queue);
  method.consumer_tag = ToAmqp(consumer.tag);
  method.no_ack = consumer.acks == AckPolicy::kNone;
  method.exclusive = consumer.exclusive;
  return encoder.Append(channel, AMQP_BASIC_CONSUME_METHOD, method);
}

}  // namespace rpc::amqp

#endif  // RPC_AMQP_METHODS_H_
