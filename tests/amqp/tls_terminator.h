#ifndef TESTS_AMQP_TLS_TERMINATOR_H_
#define TESTS_AMQP_TLS_TERMINATOR_H_

#include <gtest/gtest.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "rpc/amqp/descriptor.h"
#include "rpc/amqp/resolver.h"
#include "rpc/amqp/tls_context.h"
#include "rpc/amqp/url.h"
#include "tests/amqp/listening_socket.h"
#include "tests/amqp/test_certificates.h"

namespace rpc::amqp {

// Speaks TLS with one client after another and passes all on to a broker's
// plain port, so that TLS can be tested without a broker configured for it.
class TlsTerminator {
 public:
  // Asks clients for a certificate by `clients`, unless that is null.
  TlsTerminator(const Address& broker, const TestCertificate& certificate,
                const TestCertificate* clients)
      : broker_(broker), context_(SSL_CTX_new(TLS_server_method())) {
    EXPECT_EQ(SSL_CTX_use_certificate_chain_file(
                  context_.get(), certificate.certificate_file().c_str()),
              1);
    EXPECT_EQ(
        SSL_CTX_use_PrivateKey_file(
            context_.get(), certificate.key_file().c_str(), SSL_FILETYPE_PEM),
        1);
    if (clients != nullptr) {
      SSL_CTX_set_verify(context_.get(),
                         SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                         nullptr);
      SSL_CTX_load_verify_locations(
          context_.get(), clients->certificate_file().c_str(), nullptr);
    }
    thread_ = std::thread([this] { Run(); });
  }
  ~TlsTerminator() {
    ::shutdown(socket_.descriptor(), SHUT_RDWR);
    thread_.join();
  }

  std::uint16_t port() const { return socket_.port(); }

 private:
  void Run() {
    for (;;) {
      const Descriptor client = socket_.Accept();
      if (!client.valid()) return;
      const TlsSession session(SSL_new(context_.get()));
      SSL_set_fd(session.get(), client.get());
      if (SSL_accept(session.get()) == 1) Pump(session.get(), client.get());
    }
  }

  Descriptor DialBroker() const {
    addrinfo* found = nullptr;
    const std::string port = std::to_string(broker_.port);
    if (::getaddrinfo(broker_.host.c_str(), port.c_str(), nullptr, &found) !=
        0) {
      return Descriptor();
    }
    Descriptor broker(
        ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int result =
        ::connect(broker.get(), found->ai_addr, found->ai_addrlen);
    ::freeaddrinfo(found);
    return result == 0 ? std::move(broker) : Descriptor();
  }

  void Pump(SSL* session, int client) const {
    const Descriptor broker = DialBroker();
    std::array<char, 65536> buffer;
    const int size = static_cast<int>(buffer.size());
    for (;;) {
      pollfd polled[2] = {{client, POLLIN, 0}, {broker.get(), POLLIN, 0}};
      if (SSL_pending(session) == 0) ::poll(polled, 2, -1);
      if (SSL_pending(session) > 0 || polled[0].revents != 0) {
        const int got = SSL_read(session, buffer.data(), size);
        if (got <= 0) return;
        ::send(broker.get(), buffer.data(), static_cast<std::size_t>(got),
               MSG_NOSIGNAL);
      }
      if (polled[1].revents != 0) {
        const ssize_t got =
            ::recv(broker.get(), buffer.data(), buffer.size(), 0);
        if (got <= 0) return;
        SSL_write(session, buffer.data(), static_cast<int>(got));
      }
    }
  }

  const Address broker_;
  const TlsContext context_;
  ListeningSocket socket_;
  std::thread thread_;
};

}  // namespace rpc::amqp

#endif  // TESTS_AMQP_TLS_TERMINATOR_H_
