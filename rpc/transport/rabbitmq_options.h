#ifndef RPC_TRANSPORT_RABBITMQ_OPTIONS_H_
#define RPC_TRANSPORT_RABBITMQ_OPTIONS_H_

#include <cstddef>
#include <functional>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "rpc/amqp/connection_options.h"
#include "rpc/amqp/session_options.h"
#include "rpc/amqp/tls_options.h"
#include "rpc/amqp/url.h"
#include "rpc/base/status.h"
#include "rpc/transport/rabbitmq_connection_event.h"
#include "rpc/transport/rabbitmq_topology.h"

namespace rpc {

// How often a request runs, and what that costs.
enum class DeliveryGuarantee {
  // Never twice, and not at all if its server dies: the broker forgets a
  // request as it hands it out. The broker does not heed the prefetch then;
  // ServerOptions::max_waiting is what bounds a server. A stop cannot give back
  // what waits for a worker: it is answered UNAVAILABLE.
  kAtMostOnce,
  // Acknowledged after its reply was sent; it may run again where a server
  // dies or its connection breaks. In a cluster, the reply can be lost with the
  // node that the server is connected to, after the acknowledgement.
  kAtLeastOnce,
  // The same, and the broker confirms what it takes, which costs a fifth of the
  // throughput: a request that it cannot take ends with RESOURCE_EXHAUSTED at
  // once, and a server acknowledges after the broker has the reply.
  kAtLeastOnceConfirmed,
};

// What happens where a password would travel in the clear: amqp:// to a host
// that is not this one.
enum class PlaintextPassword {
  kAllow,
  kWarn,    // one line to on_warning
  kForbid,  // Open fails with INVALID_ARGUMENT
};

// A value.
struct RabbitMqOptions {
  // amqp://user:password@host:port/vhost, or amqps:// for TLS.
  std::string url = "amqp://guest:guest@localhost:5672/";
  // Further brokers of the same cluster, tried in turn when one is lost.
  std::vector<std::string> more_urls = {};
  // For amqps://. By default the broker's certificate and name are verified.
  amqp::TlsOptions tls = {};
  // By user and password, or, over amqps://, by tls.certificate_file alone:
  // RabbitMQ's plugin rabbitmq_auth_mechanism_ssl.
  amqp::Mechanism login = amqp::Mechanism::kPlain;
  PlaintextPassword plaintext_password = PlaintextPassword::kWarn;
  RabbitMqTopology topology = TutorialQueue("rpc");
  DeliveryGuarantee guarantee = DeliveryGuarantee::kAtLeastOnce;

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

  // Told what happens to the connection, one after the other, on the thread
  // that runs it: to return quickly, and not to use the endpoint.
  std::function<void(const ConnectionEvent&)> on_connection = {};
  // Told what its user should know, a line each. If unset: std::cerr.
  std::function<void(std::string_view)> on_warning = {};
};

namespace rabbitmq {

// Whether a host name or address is this machine's own.
inline bool IsLoopback(std::string_view host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

// Whether `address` may be dialled as `options` say; `warning` is set to what
// is better known, if there is something.
inline absl::Status CheckLogin(const RabbitMqOptions& options,
                               const amqp::Address& address,
                               std::string& warning) {
  if (options.login == amqp::Mechanism::kExternal) {
    if (address.tls && !options.tls.certificate_file.empty()) {
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(
        absl::StrCat("login by certificate at ", amqp::Printable(address),
                     " needs amqps:// and tls.certificate_file"));
  }
  if (address.tls || IsLoopback(address.host)) return absl::OkStatus();
  const std::string what = absl::StrCat(
      "the password for ", amqp::Printable(address),
      " travels unencrypted; use amqps://, or set plaintext_password");
  if (options.plaintext_password == PlaintextPassword::kForbid) {
    return absl::InvalidArgumentError(what);
  }
  if (options.plaintext_password == PlaintextPassword::kWarn) warning = what;
  return absl::OkStatus();
}

}  // namespace rabbitmq

// What the connection is opened with. INVALID_ARGUMENT for a url that is none,
// or that must not be used as the options say; never repeats a password. Tells
// on_warning.
inline absl::StatusOr<amqp::ConnectionOptions> ToConnectionOptions(
    const RabbitMqOptions& options) {
  amqp::ConnectionOptions connection;
  std::string warning;
  std::vector<std::string> urls = {options.url};
  for (const std::string& url : options.more_urls) urls.push_back(url);
  for (const std::string& url : urls) {
    absl::StatusOr<amqp::Address> address = amqp::ParseUrl(url);
    if (!address.ok()) return address.status();
    const absl::Status allowed =
        rabbitmq::CheckLogin(options, *address, warning);
    if (!allowed.ok()) return allowed;
    connection.addresses.push_back(*std::move(address));
  }
  connection.tls = options.tls;
  connection.session.heartbeat = options.heartbeat;
  connection.session.body_limit = options.max_body_bytes;
  connection.session.connection_name = options.connection_name;
  connection.session.mechanism = options.login;
  if (warning.empty()) return connection;
  if (options.on_warning) {
    options.on_warning(warning);
  } else {
    std::cerr << "rpc: " << warning << "\n";
  }
  return connection;
}

}  // namespace rpc

#endif  // RPC_TRANSPORT_RABBITMQ_OPTIONS_H_
