#ifndef TESTS_AMQP_SCRIPTED_BROKER_H_
#define TESTS_AMQP_SCRIPTED_BROKER_H_

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "rpc/amqp/descriptor.h"
#include "rpc/amqp/rabbitmq_c.h"
#include "tests/amqp/broker_frames.h"
#include "tests/amqp/listening_socket.h"

namespace rpc::amqp {

// A broker that a test plays by hand, so that it can fall silent, stop reading
// or hang up at any moment. Each wait ends after ten seconds and fails the
// test.
class ScriptedBroker {
 public:
  std::uint16_t port() const { return socket_.port(); }

  // Accepts a client and logs it in.
  void LogIn() {
    client_ = socket_.Accept();
    Await(8);  // the protocol header
    amqp_connection_start_t start = {};
    start.mechanisms = ToAmqp("PLAIN");
    Send(MethodFrame(0, AMQP_CONNECTION_START_METHOD, start));
    Await(1);
    amqp_connection_tune_t tune = {};
    tune.channel_max = 2047;
    tune.frame_max = 131072;
    tune.heartbeat = 60;
    Send(MethodFrame(0, AMQP_CONNECTION_TUNE_METHOD, tune));
    Await(1);
    Send(MethodFrame(0, AMQP_CONNECTION_OPEN_OK_METHOD,
                     amqp_connection_open_ok_t{}));
  }

  void Send(std::string_view bytes) {
    EXPECT_EQ(::send(client_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }

  // Reads at least `size` bytes.
  void Await(std::size_t size) {
    std::array<char, 65536> buffer;
    while (size > 0) {
      pollfd readable = {client_.get(), POLLIN, 0};
      ASSERT_EQ(::poll(&readable, 1, 10000), 1) << size << " bytes to come";
      const ssize_t got =
          ::recv(client_.get(), buffer.data(), buffer.size(), 0);
      ASSERT_GT(got, 0) << "the client hung up, " << size << " bytes to come";
      size -= std::min(size, static_cast<std::size_t>(got));
    }
  }

  // Hangs up with a reset instead of a goodbye.
  void Reset() {
    const linger at_once = {1, 0};
    ::setsockopt(client_.get(), SOL_SOCKET, SO_LINGER, &at_once,
                 sizeof(at_once));
    client_ = Descriptor();
  }
  void HangUp() { client_ = Descriptor(); }

 private:
  ListeningSocket socket_;
  Descriptor client_;
};

}  // namespace rpc::amqp

#endif  // TESTS_AMQP_SCRIPTED_BROKER_H_
