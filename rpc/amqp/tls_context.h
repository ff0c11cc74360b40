#ifndef RPC_AMQP_TLS_CONTEXT_H_
#define RPC_AMQP_TLS_CONTEXT_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "rpc/amqp/tls_options.h"
#include "rpc/base/status.h"

namespace rpc::amqp {

struct TlsDeleter {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* session) const { SSL_free(session); }
};
using TlsContext = std::unique_ptr<SSL_CTX, TlsDeleter>;
using TlsSession = std::unique_ptr<SSL, TlsDeleter>;

// `what`, with OpenSSL's words for the oldest error of this thread.
inline absl::Status TlsError(absl::StatusCode code, std::string_view what) {
  char words[256] = "no reason given";
  const unsigned long error = ERR_get_error();
  if (error != 0) ERR_error_string_n(error, words, sizeof(words));
  ERR_clear_error();
  return absl::Status(code, absl::StrCat(ToAbsl(what), ": ", words));
}

namespace tls_internal {

inline absl::Status InvalidFile(std::string_view option,
                                const std::string& file) {
  return TlsError(absl::StatusCode::kInvalidArgument,
                  absl::StrCat("TlsOptions.", ToAbsl(option), " '", file, "'"));
}

inline absl::Status LoadAuthorities(SSL_CTX* context,
                                    const TlsOptions& options) {
  if (options.verification == PeerVerification::kNone) {
    SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
    return absl::OkStatus();
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  if (options.ca_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) == 1) return absl::OkStatus();
    return TlsError(absl::StatusCode::kFailedPrecondition,
                    "the system's certificate authorities");
  }
  if (SSL_CTX_load_verify_locations(context, options.ca_file.c_str(),
                                    nullptr) != 1) {
    return InvalidFile("ca_file", options.ca_file);
  }
  return absl::OkStatus();
}

inline absl::Status LoadCertificate(SSL_CTX* context,
                                    const TlsOptions& options) {
  if (options.certificate_file.empty() != options.key_file.empty()) {
    return absl::InvalidArgumentError(
        "TlsOptions: certificate_file and key_file go together, one is empty");
  }
  if (options.certificate_file.empty()) return absl::OkStatus();
  if (SSL_CTX_use_certificate_chain_file(
          context, options.certificate_file.c_str()) != 1) {
    return InvalidFile("certificate_file", options.certificate_file);
  }
  if (SSL_CTX_use_PrivateKey_file(context, options.key_file.c_str(),
                                  SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    return InvalidFile("key_file", options.key_file);
  }
  return absl::OkStatus();
}

// Sets whom the certificate must name: an IP address or a DNS name, the latter
// announced to the peer too.
inline absl::Status ExpectHost(SSL* session, const std::string& host) {
  unsigned char address[sizeof(in6_addr)];
  if (::inet_pton(AF_INET, host.c_str(), address) == 1 ||
      ::inet_pton(AF_INET6, host.c_str(), address) == 1) {
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host.c_str()) ==
        1) {
      return absl::OkStatus();
    }
  } else {
    SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (SSL_set1_host(session, host.c_str()) == 1 &&
        SSL_set_tlsext_host_name(session, host.c_str()) == 1) {
      return absl::OkStatus();
    }
  }
  return TlsError(absl::StatusCode::kInvalidArgument,
                  absl::StrCat("TLS server name '", host, "'"));
}

}  // namespace tls_internal

// A client's side of a TLS session with all of `options` in force, to a peer
// that must prove to be `host` or options.server_name. INVALID_ARGUMENT names
// the option that is wrong.
inline absl::StatusOr<TlsSession> StartTls(const TlsOptions& options,
                                           const std::string& host) {
  ERR_clear_error();
  const TlsContext context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr ||
      SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1) {
    return TlsError(absl::StatusCode::kResourceExhausted, "TLS context");
  }
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  absl::Status status = tls_internal::LoadAuthorities(context.get(), options);
  if (status.ok()) {
    status = tls_internal::LoadCertificate(context.get(), options);
  }
  if (!status.ok()) return status;
  TlsSession session(SSL_new(context.get()));
  if (session == nullptr) {
    return TlsError(absl::StatusCode::kResourceExhausted, "TLS session");
  }
  status = tls_internal::ExpectHost(
      session.get(), options.server_name.empty() ? host : options.server_name);
  if (!status.ok()) return status;
  SSL_set_connect_state(session.get());
  return session;
}

}  // namespace rpc::amqp

#endif  // RPC_AMQP_TLS_CONTEXT_H_
