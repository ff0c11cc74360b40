#ifndef RPC_AMQP_CONNECTION_OPTIONS_H_
#define RPC_AMQP_CONNECTION_OPTIONS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "rpc/amqp/session_options.h"
#include "rpc/amqp/tls_options.h"
#include "rpc/amqp/url.h"

namespace rpc::amqp {

struct ConnectionOptions {
  // Brokers of one cluster, tried in turn, beginning with the first. Required.
  std::vector<Address> addresses = {};

  // Its user, password and vhost are replaced by those of the address in use.
  SessionOptions session = {};

  // For the addresses with `tls`.
  TlsOptions tls = {};

  // For name resolution, TCP connect and TLS handshake of one attempt.
  absl::Duration connect_timeout = absl::Seconds(3);

  // How long to wait after all addresses failed: from the least, doubling, to
  // the most, and at random between half of it and all of it.
  absl::Duration backoff_least = absl::Milliseconds(50);
  absl::Duration backoff_most = absl::Milliseconds(250);
};

// INVALID_ARGUMENT that names the first option that makes no sense.
inline absl::Status Validate(const ConnectionOptions& options) {
  const SessionOptions& session = options.session;
  if (options.addresses.empty()) {
    return absl::InvalidArgumentError(
        "ConnectionOptions.addresses is empty; name at least one broker");
  }
  if (session.heartbeat < absl::Seconds(1) ||
      session.heartbeat > absl::Seconds(65535)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "SessionOptions.heartbeat is ", absl::FormatDuration(session.heartbeat),
        "; it must be from 1s to 65535s, and cannot be switched off"));
  }
  if (session.frame_max < 4096 || session.frame_max > kMaxFrame) {
    return absl::InvalidArgumentError(
        absl::StrCat("SessionOptions.frame_max is ", session.frame_max,
                     "; it must be from 4096 to ", kMaxFrame));
  }
  if (options.connect_timeout <= absl::ZeroDuration() ||
      session.login_timeout <= absl::ZeroDuration() ||
      session.step_timeout <= absl::ZeroDuration() ||
      session.message_timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        "ConnectionOptions: each timeout must be positive");
  }
  if (options.backoff_least <= absl::ZeroDuration() ||
      options.backoff_most < options.backoff_least) {
    return absl::InvalidArgumentError(
        "ConnectionOptions: backoff_least must be positive and at most "
        "backoff_most");
  }
  return absl::OkStatus();
}

}  // namespace rpc::amqp

#endif  // RPC_AMQP_CONNECTION_OPTIONS_H_
