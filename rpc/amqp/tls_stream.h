#ifndef RPC_AMQP_TLS_STREAM_H_
#define RPC_AMQP_TLS_STREAM_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "rpc/amqp/descriptor.h"
#include "rpc/amqp/stream.h"
#include "rpc/amqp/tls_context.h"
#include "rpc/amqp/tls_options.h"

namespace rpc::amqp {

// TLS by OpenSSL over another stream's descriptor. OpenSSL writes to sockets
// without MSG_NOSIGNAL: the thread that uses it must block SIGPIPE, as each
// Thread does.
class TlsStream final : public Stream {
 public:
  // The peer must prove to be `host`, unless `options` name another.
  // INVALID_ARGUMENT for files that cannot be read or do not fit together.
  static absl::StatusOr<std::unique_ptr<Stream>> Start(
      std::unique_ptr<Stream> lower, const TlsOptions& options,
      const std::string& host) {
    absl::StatusOr<TlsSession> session = StartTls(options, host);
    if (!session.ok()) return session.status();
    if (SSL_set_fd(session->get(), lower->descriptor()) != 1) {
      return TlsError(absl::StatusCode::kResourceExhausted, "SSL_set_fd");
    }
    return std::unique_ptr<Stream>(
        new TlsStream(std::move(lower), *std::move(session)));
  }

  absl::StatusOr<Progress> Connect() override {
    if (!lower_connected_) {
      absl::StatusOr<Progress> progress = lower_->Connect();
      if (!progress.ok() || *progress == Progress::kPending) return progress;
      lower_connected_ = true;
    }
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    if (result == 1) {
      events_ = 0;
      return Progress::kDone;
    }
    const absl::Status status = Outcome(result);
    if (!status.ok()) return status;
    return Progress::kPending;
  }

  absl::StatusOr<std::size_t> Read(absl::Span<char> room) override {
    std::size_t total = 0;
    while (total < room.size()) {
      std::size_t size = 0;
      ERR_clear_error();
      const int result = SSL_read_ex(ssl_.get(), room.data() + total,
                                     room.size() - total, &size);
      if (result != 1) {
        const absl::Status status = Outcome(result);
        // What came before the end is handed out first.
        if (!status.ok() && total == 0) return status;
        break;
      }
      total += size;
    }
    return total;
  }

  absl::StatusOr<std::size_t> Write(std::string_view bytes) override {
    std::size_t total = 0;
    while (total < bytes.size()) {
      std::size_t size = 0;
      ERR_clear_error();
      const int result = SSL_write_ex(ssl_.get(), bytes.data() + total,
                                      bytes.size() - total, &size);
      if (result != 1) {
        const absl::Status status = Outcome(result);
        if (!status.ok()) return status;
        break;
      }
      total += size;
    }
    return total;
  }

  int descriptor() const override { return lower_->descriptor(); }
  short events() const override {
    return lower_connected_ ? events_ : lower_->events();
  }

 private:
  TlsStream(std::unique_ptr<Stream> lower, TlsSession session)
      : lower_(std::move(lower)), ssl_(std::move(session)) {}

  // Of an operation that did not succeed: OK if it only has to wait, for what
  // events() says then.
  absl::Status Outcome(int result) {
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        events_ = POLLIN;
        return absl::OkStatus();
      case SSL_ERROR_WANT_WRITE:
        events_ = POLLOUT;
        return absl::OkStatus();
      case SSL_ERROR_ZERO_RETURN:
        return absl::UnavailableError("the broker closed the connection");
      case SSL_ERROR_SYSCALL:
        return errno == 0
                   ? absl::UnavailableError("the broker closed the connection")
                   : SystemError(absl::StatusCode::kUnavailable, "TLS", errno);
      default:
        return Refusal();
    }
  }

  absl::Status Refusal() const {
    const long verdict = SSL_get_verify_result(ssl_.get());
    if (verdict != X509_V_OK) {
      return absl::UnauthenticatedError(
          absl::StrCat("the broker's certificate was refused: ",
                       X509_verify_cert_error_string(verdict),
                       "; check TlsOptions.ca_file and the host name"));
    }
    switch (ERR_GET_REASON(ERR_peek_error())) {
      case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
      case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
      case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
      case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
        return TlsError(absl::StatusCode::kUnauthenticated,
                        "the broker refused us; check "
                        "TlsOptions.certificate_file and key_file");
      case SSL_R_WRONG_VERSION_NUMBER:
      case SSL_R_HTTP_REQUEST:
        return TlsError(absl::StatusCode::kInvalidArgument,
                        "the broker speaks no TLS on this port; use amqp:// or "
                        "the port of its TLS listener");
      default:
        return TlsError(absl::StatusCode::kUnavailable, "TLS");
    }
  }

  const std::unique_ptr<Stream> lower_;
  const TlsSession ssl_;
  bool lower_connected_ = false;
  short events_ = 0;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_TLS_STREAM_H_
