#ifndef BENCHMARKS_RABBITMQ_BROKER_CHANNEL_H_
#define BENCHMARKS_RABBITMQ_BROKER_CHANNEL_H_

#include <amqp.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "benchmarks/rabbitmq/amqp_text.h"
#include "benchmarks/rabbitmq/fail.h"
#include "benchmarks/rabbitmq/flags.h"

namespace rpc::benchmarks {

// One rabbitmq-c connection with one open channel, for the programs written by
// hand. Whatever the broker refuses ends the program. Thread-compatible.
class BrokerChannel {
 public:
  static constexpr amqp_channel_t kNumber = 1;

  explicit BrokerChannel(const Flags& flags)
      : connection_(amqp_new_connection()) {
    std::string text = flags.broker;  // the parsed parts point into it
    amqp_connection_info at = {};
    amqp_default_connection_info(&at);
    Check(amqp_parse_url(text.data(), &at) == AMQP_STATUS_OK, "--broker");
    // "amqp://host/" is written where the default virtual host is meant.
    if (*at.vhost == '\0') at.vhost = const_cast<char*>("/");
    encrypted_ = at.ssl != 0;
    amqp_socket_t* const socket =
        encrypted_ ? NewTlsSocket(flags) : amqp_tcp_socket_new(connection_);
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
  bool encrypted() const { return encrypted_; }
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

  // Each publish from now on is acknowledged by the broker, later.
  void SelectConfirms() {
    amqp_confirm_select(connection_, kNumber);
    CheckReply(amqp_get_rpc_reply(connection_), "confirm.select");
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

  // TLS 1.2 or later; the broker's certificate and name are verified.
  amqp_socket_t* NewTlsSocket(const Flags& flags) {
    amqp_socket_t* const socket = amqp_ssl_socket_new(connection_);
    amqp_ssl_socket_set_verify_peer(socket, 1);
    amqp_ssl_socket_set_verify_hostname(socket, 1);
    Check(amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2,
                                           AMQP_TLSvLATEST) == AMQP_STATUS_OK,
          "TLS 1.2");
    Check(amqp_ssl_socket_set_cacert(socket, flags.ca_file.c_str()) ==
              AMQP_STATUS_OK,
          "--ca_file");
    return socket;
  }

  void Consume(const std::string& queue, amqp_boolean_t no_ack) {
    amqp_basic_consume(connection_, kNumber, ToAmqp(queue), amqp_empty_bytes, 0,
                       no_ack, 0, amqp_empty_table);
    CheckReply(amqp_get_rpc_reply(connection_), "basic.consume");
  }

  amqp_connection_state_t connection_;
  bool encrypted_ = false;
};

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_RABBITMQ_BROKER_CHANNEL_H_
