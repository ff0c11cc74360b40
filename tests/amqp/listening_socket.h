#ifndef TESTS_AMQP_LISTENING_SOCKET_H_
#define TESTS_AMQP_LISTENING_SOCKET_H_

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "rpc/amqp/descriptor.h"

namespace rpc::amqp {

// Listens on a free port of 127.0.0.1 and answers nothing.
class ListeningSocket {
 public:
  ListeningSocket()
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof(address);
    if (::bind(socket_.get(), generic, size) != 0 ||
        ::listen(socket_.get(), 16) != 0 ||
        ::getsockname(socket_.get(), generic, &size) != 0) {
      ADD_FAILURE() << "cannot listen on loopback: " << std::strerror(errno);
    }
    port_ = ntohs(address.sin_port);
  }

  std::uint16_t port() const { return port_; }
  int descriptor() const { return socket_.get(); }

  // False if nobody dials within ten seconds.
  bool WaitForConnection() const {
    pollfd readable = {socket_.get(), POLLIN, 0};
    return ::poll(&readable, 1, 10000) == 1;
  }

  // The next connection; blocks until there is one.
  Descriptor Accept() const {
    return Descriptor(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }

 private:
  Descriptor socket_;
  std::uint16_t port_ = 0;
};

}  // namespace rpc::amqp

#endif  // TESTS_AMQP_LISTENING_SOCKET_H_
