#ifndef RPC_TESTS_TRANSPORT_RABBITMQ_PLAIN_CLIENT_H_
#define RPC_TESTS_TRANSPORT_RABBITMQ_PLAIN_CLIENT_H_

#include <sys/time.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "rpc/amqp/rabbitmq_c.h"
#include "rpc/amqp/url.h"

#if __has_include(<rabbitmq-c/tcp_socket.h>)
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp_tcp_socket.h>
#endif

namespace rpc::testing {

// A message as RabbitMQ handed it to a PlainClient.
struct PlainMessage {
  std::string exchange = {};
  std::string routing_key = {};
  bool redelivered = false;
  std::uint64_t tag = 0;
  std::string body = {};
  std::string content_type = {};
  std::string correlation_id = {};
  std::string reply_to = {};
  std::string message_id = {};
  std::string type = {};
  std::string expiration = {};
  int delivery_mode = 0;
  // Strings as they are; integers and booleans as decimal numbers.
  std::map<std::string, std::string> headers = {};
};

// A request as a client sends it that knows nothing of this library.
struct PlainRequest {
  std::string body = {};
  std::string reply_to = {};
  std::string correlation_id = {};
  std::string message_id = {};
  std::string content_type = {};
  std::string expiration = {};
  amqp_table_t headers = {};
};

// The other side of a test, written straight onto rabbitmq-c, so that nothing
// of what is tested takes part. Throws std::runtime_error with the broker's
// words: a test fails then. Thread-compatible.
class PlainClient {
 public:
  explicit PlainClient(const std::string& url);
  ~PlainClient() { amqp_destroy_connection(connection_); }
  PlainClient(const PlainClient&) = delete;
  PlainClient& operator=(const PlainClient&) = delete;

  // Durable and neither exclusive nor removed by itself.
  void DeclareQueue(const std::string& name, amqp_table_t arguments = {});
  // Anonymous, exclusive and consumed from; returns the broker's name for it.
  std::string DeclareReplyQueue();
  void Bind(const std::string& queue, const std::string& exchange,
            const std::string& routing_key);
  void DeleteQueue(const std::string& name);
  // The messages that wait in it; nothing if there is no such queue.
  std::optional<std::uint32_t> Depth(const std::string& queue);

  // 0: as many as there are.
  void Consume(const std::string& queue, std::uint16_t prefetch = 0);
  // The next delivery, if there is one in time.
  std::optional<PlainMessage> Next(absl::Duration patience);
  void Ack(std::uint64_t tag);

  void Publish(const std::string& exchange, const std::string& routing_key,
               const PlainRequest& request);

  amqp_connection_state_t connection() const { return connection_; }

 private:
  static constexpr amqp_channel_t kChannel = 1;

  static std::string Text(amqp_bytes_t bytes) {
    return std::string(amqp::ToView(bytes));
  }
  static PlainMessage ToMessage(const amqp_envelope_t& envelope);
  static void ReadHeaders(const amqp_table_t& table, PlainMessage& message);

  // Throws unless `reply` is the one that was asked for.
  static void Check(const amqp_rpc_reply_t& reply, const std::string& what);
  void CheckLast(const std::string& what) {
    Check(amqp_get_rpc_reply(connection_), what);
  }

  amqp_connection_state_t connection_;
  // Its number is not used again: a refusal closes a channel.
  amqp_channel_t last_channel_ = kChannel;
};

inline PlainClient::PlainClient(const std::string& url)
    : connection_(amqp_new_connection()) {
  const amqp::Address address = amqp::ParseUrl(url).value();
  amqp_socket_t* socket = amqp_tcp_socket_new(connection_);
  timeval limit = {10, 0};
  if (amqp_socket_open_noblock(socket, address.host.c_str(), address.port,
                               &limit) != AMQP_STATUS_OK) {
    throw std::runtime_error("cannot reach " + amqp::Printable(address));
  }
  Check(amqp_login(connection_, address.vhost.c_str(), 0, 131072, 0,
                   AMQP_SASL_METHOD_PLAIN, address.user.c_str(),
                   address.password.c_str()),
        "login");
  amqp_channel_open(connection_, kChannel);
  CheckLast("channel.open");
}

inline void PlainClient::DeclareQueue(const std::string& name,
                                      amqp_table_t arguments) {
  amqp_queue_declare(connection_, kChannel, amqp::ToAmqp(name), 0, 1, 0, 0,
                     arguments);
  CheckLast("declaring " + name);
}

inline std::string PlainClient::DeclareReplyQueue() {
  const amqp_queue_declare_ok_t* declared = amqp_queue_declare(
      connection_, kChannel, amqp_empty_bytes, 0, 0, 1, 1, amqp_empty_table);
  CheckLast("declaring a reply queue");
  const std::string name = Text(declared->queue);
  amqp_basic_consume(connection_, kChannel, amqp::ToAmqp(name),
                     amqp_empty_bytes, 0, 1, 0, amqp_empty_table);
  CheckLast("consuming " + name);
  return name;
}

inline void PlainClient::Bind(const std::string& queue,
                              const std::string& exchange,
                              const std::string& routing_key) {
  amqp_queue_bind(connection_, kChannel, amqp::ToAmqp(queue),
                  amqp::ToAmqp(exchange), amqp::ToAmqp(routing_key),
                  amqp_empty_table);
  CheckLast("binding " + queue);
}

inline void PlainClient::DeleteQueue(const std::string& name) {
  amqp_queue_delete(connection_, kChannel, amqp::ToAmqp(name), 0, 0);
  CheckLast("deleting " + name);
}

inline std::optional<std::uint32_t> PlainClient::Depth(
    const std::string& queue) {
  const amqp_channel_t channel = ++last_channel_;
  amqp_channel_open(connection_, channel);
  CheckLast("channel.open");
  const amqp_queue_declare_ok_t* declared = amqp_queue_declare(
      connection_, channel, amqp::ToAmqp(queue), 1, 0, 0, 0, amqp_empty_table);
  if (declared == nullptr) {
    amqp_channel_close_ok_t close_ok = {};
    amqp_send_method(connection_, channel, AMQP_CHANNEL_CLOSE_OK_METHOD,
                     &close_ok);
    return std::nullopt;
  }
  const std::uint32_t depth = declared->message_count;
  amqp_channel_close(connection_, channel, AMQP_REPLY_SUCCESS);
  return depth;
}

inline void PlainClient::Consume(const std::string& queue,
                                 std::uint16_t prefetch) {
  amqp_basic_qos(connection_, kChannel, 0, prefetch, 0);
  CheckLast("basic.qos");
  amqp_basic_consume(connection_, kChannel, amqp::ToAmqp(queue),
                     amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
  CheckLast("consuming " + queue);
}

inline std::optional<PlainMessage> PlainClient::Next(absl::Duration patience) {
  timeval limit = absl::ToTimeval(patience);
  amqp_envelope_t envelope;
  amqp_maybe_release_buffers(connection_);
  const amqp_rpc_reply_t reply =
      amqp_consume_message(connection_, &envelope, &limit, 0);
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION &&
      reply.library_error == AMQP_STATUS_TIMEOUT) {
    return std::nullopt;
  }
  Check(reply, "waiting for a delivery");
  const PlainMessage message = ToMessage(envelope);
  amqp_destroy_envelope(&envelope);
  return message;
}

inline void PlainClient::Ack(std::uint64_t tag) {
  amqp_basic_ack(connection_, kChannel, tag, 0);
}

inline void PlainClient::Publish(const std::string& exchange,
                                 const std::string& routing_key,
                                 const PlainRequest& request) {
  amqp_basic_properties_t properties = {};
  const auto set = [&](amqp_flags_t flag, amqp_bytes_t& field,
                       const std::string& text) {
    if (text.empty()) return;
    properties._flags |= flag;
    field = amqp::ToAmqp(text);
  };
  set(AMQP_BASIC_REPLY_TO_FLAG, properties.reply_to, request.reply_to);
  set(AMQP_BASIC_CORRELATION_ID_FLAG, properties.correlation_id,
      request.correlation_id);
  set(AMQP_BASIC_MESSAGE_ID_FLAG, properties.message_id, request.message_id);
  set(AMQP_BASIC_CONTENT_TYPE_FLAG, properties.content_type,
      request.content_type);
  set(AMQP_BASIC_EXPIRATION_FLAG, properties.expiration, request.expiration);
  if (request.headers.num_entries > 0) {
    properties._flags |= AMQP_BASIC_HEADERS_FLAG;
    properties.headers = request.headers;
  }
  const int sent = amqp_basic_publish(
      connection_, kChannel, amqp::ToAmqp(exchange), amqp::ToAmqp(routing_key),
      0, 0, &properties, amqp::ToAmqp(request.body));
  if (sent != AMQP_STATUS_OK) {
    throw std::runtime_error(std::string("basic.publish: ") +
                             amqp_error_string2(sent));
  }
}

inline PlainMessage PlainClient::ToMessage(const amqp_envelope_t& envelope) {
  PlainMessage message;
  message.exchange = Text(envelope.exchange);
  message.routing_key = Text(envelope.routing_key);
  message.redelivered = envelope.redelivered != 0;
  message.tag = envelope.delivery_tag;
  message.body = Text(envelope.message.body);
  const amqp_basic_properties_t& properties = envelope.message.properties;
  const auto get = [&](amqp_flags_t flag, amqp_bytes_t field,
                       std::string& text) {
    if ((properties._flags & flag) != 0) text = Text(field);
  };
  get(AMQP_BASIC_CONTENT_TYPE_FLAG, properties.content_type,
      message.content_type);
  get(AMQP_BASIC_CORRELATION_ID_FLAG, properties.correlation_id,
      message.correlation_id);
  get(AMQP_BASIC_REPLY_TO_FLAG, properties.reply_to, message.reply_to);
  get(AMQP_BASIC_MESSAGE_ID_FLAG, properties.message_id, message.message_id);
  get(AMQP_BASIC_TYPE_FLAG, properties.type, message.type);
  get(AMQP_BASIC_EXPIRATION_FLAG, properties.expiration, message.expiration);
  if ((properties._flags & AMQP_BASIC_DELIVERY_MODE_FLAG) != 0) {
    message.delivery_mode = properties.delivery_mode;
  }
  if ((properties._flags & AMQP_BASIC_HEADERS_FLAG) != 0) {
    ReadHeaders(properties.headers, message);
  }
  return message;
}

inline void PlainClient::ReadHeaders(const amqp_table_t& table,
                                     PlainMessage& message) {
  for (int i = 0; i < table.num_entries; ++i) {
    const amqp_field_value_t& value = table.entries[i].value;
    std::string& text = message.headers[Text(table.entries[i].key)];
    if (value.kind == AMQP_FIELD_KIND_UTF8) {
      text = Text(value.value.bytes);
    } else if (value.kind == AMQP_FIELD_KIND_BOOLEAN) {
      text = std::to_string(value.value.boolean);
    } else if (value.kind == AMQP_FIELD_KIND_I64) {
      text = std::to_string(value.value.i64);
    } else {
      text = std::string("kind ") + static_cast<char>(value.kind);
    }
  }
}

inline void PlainClient::Check(const amqp_rpc_reply_t& reply,
                               const std::string& what) {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return;
  std::string why = "the connection broke";
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION) {
    why = amqp_error_string2(reply.library_error);
  } else if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
    why = Text(
        static_cast<amqp_channel_close_t*>(reply.reply.decoded)->reply_text);
  } else if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
    why = Text(
        static_cast<amqp_connection_close_t*>(reply.reply.decoded)->reply_text);
  }
  throw std::runtime_error(what + ": " + why);
}

}  // namespace rpc::testing

#endif  // RPC_TESTS_TRANSPORT_RABBITMQ_PLAIN_CLIENT_H_
