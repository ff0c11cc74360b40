#ifndef BENCHMARKS_RABBITMQ_BROKER_CHANNEL_H_
#define BENCHMARKS_RABBITMQ_BROKER_CHANNEL_H_

#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "benchmarks/rabbitmq/amqp_text.h"
#include "benchmarks/rabbitmq/fail.h"

namespace rpc::benchmarks {

// One rabbitmq-c connection with one open channel, for the programs written by
// hand. Whatever the broker refuses ends the program. Thread-compatible.
class BrokerChannel {
 public:
  static constexpr amqp_channel_t kNumber = 1;

  explicit BrokerChannel(const std::string& url)
      : connection_(amqp_new_connection()) {
    std::string text = url;  // the parsed parts point into it
    amqp_connection_info at = {};
    amqp_default_connection_info(&at);
    Check(amqp_parse_url(text.data(), &at) == AMQP_STATUS_OK, "--broker");
    // "amqp://host/" is written where the default virtual host is meant.
    if (*at.vhost == '\0') at.vhost = const_cast<char*>("/");
    amqp_socket_t* const socket = amqp_tcp_socket_new(connection_);
    Check(amqp_socket_open(socket, at.host, at.port) == AMQP_STATUS_OK,
          "connect");
    CheckReply(amqp_login(connection_, at.vhost, 0, kFrameMax, kHeartbeat,
                          AMQP_SASL_METHOD_PLAIN, at.user, at.password),
               "login");
    const int on = 1;
    ::setsockopt(descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    amqp_channel_open(connection_, kNumber);
    CheckReply(amqp_get_rpc_reply(connection_), "channel.open");
  }

  BrokerChannel(const BrokerChannel&) = delete;
  BrokerChannel& operator=(const BrokerChannel&) = delete;
  ~BrokerChannel() { amqp_destroy_connection(connection_); }

  amqp_connection_state_t connection() const { return connection_; }
  int descriptor() const { return amqp_get_sockfd(connection_); }

  // An exclusive queue that the broker names, consumed without acknowledgement.
  std::string ConsumeReplies() {
    const amqp_queue_declare_ok_t* const declared = amqp_queue_declare(
        connection_, kNumber, amqp_empty_bytes, 0, 0, 1, 0, amqp_empty_table);
    CheckReply(amqp_get_rpc_reply(connection_), "queue.declare");
    const std::string name(ToView(declared->queue));
    Consume(name, 1);
    return name;
  }

  // The durable queue that requests go to, consumed with acknowledgement.
  void ConsumeRequests(const std::string& queue, std::uint16_t prefetch) {
    amqp_queue_declare(connection_, kNumber, ToAmqp(queue), 0, 1, 0, 0,
                       amqp_empty_table);
    CheckReply(amqp_get_rpc_reply(connection_), "queue.declare");
    amqp_basic_qos(connection_, kNumber, 0, prefetch, 0);
    CheckReply(amqp_get_rpc_reply(connection_), "basic.qos");
    Consume(queue, 0);
  }

  static void Check(bool condition, const char* what) {
    if (!condition) Fail(std::string(what) + " failed");
  }

 private:
  static constexpr int kFrameMax = 131072;
  static constexpr int kHeartbeat = 10;

  static void CheckReply(const amqp_rpc_reply_t& reply, const char* what) {
    Check(reply.reply_type == AMQP_RESPONSE_NORMAL, what);
  }

  void Consume(const std::string& queue, amqp_boolean_t no_ack) {
    amqp_basic_consume(connection_, kNumber, ToAmqp(queue), amqp_empty_bytes, 0,
                       no_ack, 0, amqp_empty_table);
    CheckReply(amqp_get_rpc_reply(connection_), "basic.consume");
  }

  amqp_connection_state_t connection_;
};

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_RABBITMQ_BROKER_CHANNEL_H_
