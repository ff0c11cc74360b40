#ifndef BENCHMARKS_RABBITMQ_AMQP_TEXT_H_
#define BENCHMARKS_RABBITMQ_AMQP_TEXT_H_

#include <amqp.h>

#include <string_view>

namespace rpc::benchmarks {

// A view as rabbitmq-c wants it, and back; neither copies. rabbitmq-c only
// reads what it is given to send.
inline amqp_bytes_t ToAmqp(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}
inline std::string_view ToView(amqp_bytes_t bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_RABBITMQ_AMQP_TEXT_H_
