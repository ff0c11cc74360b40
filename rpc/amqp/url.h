#ifndef RPC_AMQP_URL_H_
#define RPC_AMQP_URL_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "rpc/amqp/rabbitmq_c.h"
#include "rpc/base/status.h"

namespace rpc::amqp {

// Where a broker is and who we are there.
struct Address {
  std::string host = "localhost";
  std::uint16_t port = 5672;
  std::string user = "guest";
  std::string password = "guest";
  std::string vhost = "/";
  bool tls = false;
};

// `address` for messages and logs: without credentials.
inline std::string Printable(const Address& address) {
  const bool is_ipv6 = absl::StrContains(address.host, ":");
  std::string text =
      absl::StrCat(address.tls ? "amqps://" : "amqp://", is_ipv6 ? "[" : "",
                   address.host, is_ipv6 ? "]" : "", ":", address.port);
  if (address.vhost != "/") absl::StrAppend(&text, "/", address.vhost);
  return text;
}

namespace url_internal {

// What is wrong with a url that rabbitmq-c refused, without repeating any part
// that may hold a password.
inline absl::Status Refusal(std::string_view url) {
  std::string_view reason =
      "expected amqp://user:password@host:port/vhost, with reserved characters "
      "percent-encoded";
  if (!absl::StartsWith(ToAbsl(url), "amqp://") &&
      !absl::StartsWith(ToAbsl(url), "amqps://")) {
    reason = "it must begin with amqp:// or amqps://";
  } else if (absl::StrContains(ToAbsl(url), "?")) {
    reason =
        "parameters after a '?' are not supported, set the options instead; "
        "write a literal '?' as %3F";
  }
  return absl::InvalidArgumentError(
      absl::StrCat("broker url: ", ToAbsl(reason)));
}

}  // namespace url_internal

// Parses amqp://user:password@host:port/vhost or amqps://..., each part percent
// encoded and all after the scheme optional: guest:guest@localhost, port 5672
// or 5671, vhost "/". A path of "/" alone is taken for the vhost "/" too. An
// IPv6 host stands in brackets. INVALID_ARGUMENT says what is wrong and never
// repeats the url, which may hold a password.
inline absl::StatusOr<Address> ParseUrl(std::string_view url) {
  if (url.find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError("broker url: it contains a zero byte");
  }
  // rabbitmq-c parses in place and points into this copy.
  std::string text(url);
  amqp_connection_info parts;
  amqp_default_connection_info(&parts);
  if (amqp_parse_url(text.data(), &parts) != AMQP_STATUS_OK) {
    return url_internal::Refusal(url);
  }
  if (parts.port < 1 || parts.port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat(
        "broker url: port ", parts.port, " is not between 1 and 65535"));
  }
  Address address;
  address.host = parts.host;
  address.port = static_cast<std::uint16_t>(parts.port);
  address.user = parts.user;
  address.password = parts.password;
  if (*parts.vhost != '\0') address.vhost = parts.vhost;
  address.tls = parts.ssl != 0;
  if (address.host.empty()) {
    return absl::InvalidArgumentError("broker url: the host is empty");
  }
  return address;
}

}  // namespace rpc::amqp

#endif  // RPC_AMQP_URL_H_
