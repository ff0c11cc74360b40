#ifndef RPC_TRANSPORT_RABBITMQ_OPTIONS_H_
#define RPC_TRANSPORT_RABBITMQ_OPTIONS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "rpc/amqp/connection_options.h"
#include "rpc/amqp/tls_options.h"
#include "rpc/amqp/url.h"
#include "rpc/base/status.h"
#include "rpc/transport/rabbitmq_topology.h"

namespace rpc {

// A value.
struct RabbitMqOptions {
  // amqp://user:password@host:port/vhost, or amqps:// for TLS.
  std::string url = "amqp://guest:guest@localhost:5672/";
  // Further brokers of the same cluster, tried in turn when one is lost.
  std::vector<std::string> more_urls = {};
  // For amqps://. By default the broker's certificate and name are verified.
  amqp::TlsOptions tls = {};
  RabbitMqTopology topology = TutorialQueue("rpc");

  // Reply addresses that a server publishes to besides the anonymous queues of
  // clients; see ReplyAllowList.
  std::vector<std::string> allow_reply_to = {};
  // The client's reply queue is called this and something unique, so that
  // permissions can name it. If empty, the broker makes up a name.
  std::string reply_queue_prefix = {};

  // Longer bodies are neither sent nor read: RESOURCE_EXHAUSTED.
  std::size_t max_body_bytes = std::size_t{4} * 1024 * 1024;
  // Requests that wait to be sent, while the broker is away or slow. Further
  // ones end at once with RESOURCE_EXHAUSTED.
  std::size_t max_waiting_bytes = std::size_t{64} * 1024 * 1024;
  // A peer is dead after twice this without a sign of life. Whole seconds, at
  // least 1.
  absl::Duration heartbeat = absl::Seconds(10);
  // Shown by the broker's management pages.
  std::string connection_name = {};
};

// What the connection is opened with. INVALID_ARGUMENT for a url that is none;
// never repeats a password.
inline absl::StatusOr<amqp::ConnectionOptions> ToConnectionOptions(
    const RabbitMqOptions& options) {
  amqp::ConnectionOptions connection;
  std::vector<std::string> urls = {options.url};
  urls.insert(urls.end(), options.more_urls.begin(), options.more_urls.end());
  for (const std::string& url : urls) {
    absl::StatusOr<amqp::Address> address = amqp::ParseUrl(url);
    if (!address.ok()) return address.status();
    connection.addresses.push_back(*std::move(address));
  }
  connection.tls = options.tls;
  connection.session.heartbeat = options.heartbeat;
  connection.session.body_limit = options.max_body_bytes;
  connection.session.connection_name = options.connection_name;
  return connection;
}

}  // namespace rpc

#endif  // RPC_TRANSPORT_RABBITMQ_OPTIONS_H_
