#ifndef BENCHMARKS_RABBITMQ_PROPERTIES_H_
#define BENCHMARKS_RABBITMQ_PROPERTIES_H_

#include <amqp.h>
#include <amqp_framing.h>

#include <string_view>

#include "benchmarks/rabbitmq/amqp_text.h"
#include "benchmarks/rabbitmq/flags.h"

namespace rpc::benchmarks {

// The budget of a call that nothing delays, as a request's expiration.
inline constexpr std::string_view kExpirationMillis = "10000";

inline amqp_boolean_t IsMandatory(Wire wire) {
  return wire == Wire::kFull ? 1 : 0;
}

inline amqp_basic_properties_t RequestProperties(
    Wire wire, std::string_view reply_to, std::string_view correlation_id) {
  amqp_basic_properties_t properties = {};
  properties._flags = AMQP_BASIC_REPLY_TO_FLAG | AMQP_BASIC_CORRELATION_ID_FLAG;
  properties.reply_to = ToAmqp(reply_to);
  properties.correlation_id = ToAmqp(correlation_id);
  if (wire != Wire::kBare) {
    properties._flags |= AMQP_BASIC_EXPIRATION_FLAG;
    properties.expiration = ToAmqp(kExpirationMillis);
  }
  return properties;
}

inline amqp_basic_properties_t ReplyProperties(amqp_bytes_t correlation_id) {
  amqp_basic_properties_t properties = {};
  properties._flags = AMQP_BASIC_CORRELATION_ID_FLAG;
  properties.correlation_id = correlation_id;
  return properties;
}

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_RABBITMQ_PROPERTIES_H_
