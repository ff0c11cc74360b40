#include "tests/support/fault_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/amqp/descriptor.h"
#include "tests/amqp/listening_socket.h"

namespace rpc::testing {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kPatience{10'000};
// Long enough for bytes that pass to have passed.
constexpr milliseconds kMoment{50};

// One end of a connection.
class End {
 public:
  explicit End(amqp::Descriptor socket) : socket_(std::move(socket)) {}

  // Whoever is behind `port`; error() tells if nobody is.
  static End Dial(int port) {
    End end(amqp::Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(end.socket_.get(),
                  reinterpret_cast<const sockaddr*>(&address),
                  sizeof(address)) != 0) {
      end.error_ = errno;
    }
    return end;
  }

  void Send(const std::string& text) const {
    EXPECT_EQ(::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }

  // What comes until it is `size` bytes, or the end, or time is up.
  std::string Receive(std::size_t size, milliseconds patience = kPatience) {
    std::string text;
    pollfd readable = {socket_.get(), POLLIN, 0};
    while (text.size() < size &&
           ::poll(&readable, 1, static_cast<int>(patience.count())) == 1) {
      std::array<char, 4096> buffer;
      const ssize_t got =
          ::recv(socket_.get(), buffer.data(),
                 std::min(buffer.size(), size - text.size()), 0);
      if (got <= 0) {
        error_ = got == 0 ? 0 : errno;
        ended_ = true;
        break;
      }
      text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return text;
  }

  // How the connection ended: 0 for an orderly end.
  int WaitForEnd() {
    EXPECT_EQ(Receive(1), "");
    EXPECT_TRUE(ended_);
    return error_;
  }

  int error() const { return error_; }
  void Reset() {
    const linger at_once = {1, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once,
                 sizeof(at_once));
    socket_ = amqp::Descriptor();
  }
  void Finish() { ::shutdown(socket_.get(), SHUT_WR); }

  // As much as the kernels between the two ends take, or about `most` bytes.
  std::size_t Fill(std::size_t most) const {
    const std::string bytes(std::min<std::size_t>(most, 1 << 16), 'x');
    std::size_t filled = 0;
    pollfd writable = {socket_.get(), POLLOUT, 0};
    while (filled < most &&
           ::poll(&writable, 1, static_cast<int>(kMoment.count())) == 1) {
      const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(),
                                  MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno != EAGAIN) break;
      if (sent > 0) filled += static_cast<std::size_t>(sent);
    }
    return filled;
  }

 private:
  amqp::Descriptor socket_;
  int error_ = 0;
  bool ended_ = false;
};

class FaultProxyTest : public ::testing::Test {
 protected:
  std::pair<End, End> Connect() {
    End client = End::Dial(proxy_.port());
    EXPECT_EQ(client.error(), 0);
    return {std::move(client), End(listening_.Accept())};
  }

  // Sets `faults` in the direction to the broker.
  void Set(const DirectionFaults& faults) {
    proxy_.SetFaults({.to_broker = faults});
  }

  amqp::ListeningSocket listening_;
  FaultProxy proxy_{listening_.port()};
};

TEST_F(FaultProxyTest, PassesBytesBothWaysAndTheirEnds) {
  auto [client, broker] = Connect();
  client.Send("question");
  EXPECT_EQ(broker.Receive(8), "question");
  client.Finish();
  EXPECT_EQ(broker.WaitForEnd(), 0);
  broker.Send("answer");
  broker.Finish();
  EXPECT_EQ(client.Receive(6), "answer");
  EXPECT_EQ(client.WaitForEnd(), 0);
  EXPECT_EQ(proxy_.accepted(), 1);
}

TEST_F(FaultProxyTest, PassesAReset) {
  auto [client, broker] = Connect();
  client.Send("x");
  EXPECT_EQ(broker.Receive(1), "x");
  client.Reset();
  EXPECT_EQ(broker.WaitForEnd(), ECONNRESET);
}

TEST_F(FaultProxyTest, CutsAllByResetOrByAnOrderlyEnd) {
  for (const Cut cut : {Cut::kReset, Cut::kFinish}) {
    auto [client, broker] = Connect();
    client.Send("before");
    EXPECT_EQ(broker.Receive(6), "before");
    proxy_.CutAll(cut);
    EXPECT_EQ(proxy_.open(), 0);
    const int error = cut == Cut::kReset ? ECONNRESET : 0;
    EXPECT_EQ(client.WaitForEnd(), error);
    EXPECT_EQ(broker.WaitForEnd(), error);
  }
}

TEST_F(FaultProxyTest, CutsAfterSoManyBytes) {
  for (const Fault fault : {Fault::kReset, Fault::kFinish}) {
    auto [client, broker] = Connect();
    Set({.fault = fault, .after = 4});
    client.Send("123456");
    EXPECT_EQ(broker.Receive(6), "1234");
    const int error = fault == Fault::kReset ? ECONNRESET : 0;
    EXPECT_EQ(broker.error(), error);
    Set({});
  }
}

TEST_F(FaultProxyTest, StalledDirectionFillsTheSendersKernel) {
  auto [client, broker] = Connect();
  Set({.fault = Fault::kStall, .after = 2});
  client.Send("1234");
  EXPECT_EQ(broker.Receive(4, kMoment), "12");
  constexpr std::size_t kMuch = std::size_t{64} << 20;
  EXPECT_LT(client.Fill(kMuch), kMuch);
  broker.Send("other way");
  EXPECT_EQ(client.Receive(9), "other way");
  Set({});
  EXPECT_EQ(broker.Receive(2), "34");
}

TEST_F(FaultProxyTest, FrozenBytesAndEndPassLater) {
  auto [client, broker] = Connect();
  Set({.fault = Fault::kFreeze, .after = 2});
  client.Send("1234");
  client.Finish();
  EXPECT_EQ(broker.Receive(4, kMoment), "12");
  Set({});
  EXPECT_EQ(broker.Receive(2), "34");
  EXPECT_EQ(broker.WaitForEnd(), 0);
}

TEST_F(FaultProxyTest, DroppedBytesNeverPass) {
  auto [client, broker] = Connect();
  Set({.fault = Fault::kDrop, .after = 2});
  client.Send("1234");
  EXPECT_EQ(broker.Receive(4, kMoment), "12");
  Set({});
  client.Send("56");
  EXPECT_EQ(broker.Receive(2), "56");
}

TEST_F(FaultProxyTest, InvertsOneByte) {
  auto [client, broker] = Connect();
  Set({.fault = Fault::kCorrupt, .after = 2});
  client.Send("1234");
  EXPECT_EQ(broker.Receive(4), std::string("12") + '\xCC' + "4");
  client.Send("56");
  EXPECT_EQ(broker.Receive(2), "56");
}

TEST_F(FaultProxyTest, DelaysBytes) {
  auto [client, broker] = Connect();
  Set({.delay = absl::Milliseconds(100)});
  const TimePoint begin = Clock::now();
  client.Send("late");
  EXPECT_EQ(broker.Receive(4), "late");
  EXPECT_GE(Clock::now() - begin, milliseconds(100));
}

TEST_F(FaultProxyTest, LetsSoManyBytesPassInATime) {
  auto [client, broker] = Connect();
  Set({.burst = 1, .every = absl::Milliseconds(20)});
  const TimePoint begin = Clock::now();
  client.Send("trickle");
  EXPECT_EQ(broker.Receive(7), "trickle");
  EXPECT_GE(Clock::now() - begin, milliseconds(120));
}

TEST_F(FaultProxyTest, RefusesThoseWhoDialAndTakesThemAgain) {
  auto [client, broker] = Connect();
  proxy_.SetFaults({.new_connections = NewConnections::kRefuse});
  EXPECT_EQ(End::Dial(proxy_.port()).error(), ECONNREFUSED);
  client.Send("still");
  EXPECT_EQ(broker.Receive(5), "still");
  proxy_.SetFaults({});
  Connect();
  EXPECT_EQ(proxy_.accepted(), 2);
}

TEST_F(FaultProxyTest, SilentConnectionsStaySo) {
  proxy_.SetFaults({.new_connections = NewConnections::kSilent});
  End client = End::Dial(proxy_.port());
  client.Send("hello");
  proxy_.SetFaults({});
  EXPECT_EQ(client.Receive(1, kMoment), "");
  Connect();
  EXPECT_EQ(proxy_.accepted(), 2);
}

TEST_F(FaultProxyTest, AfflictsOnlyWhatIsOpen) {
  auto [old_client, old_broker] = Connect();
  proxy_.Afflict({.to_broker = {.fault = Fault::kDrop}});
  auto [client, broker] = Connect();
  old_client.Send("old");
  client.Send("new");
  EXPECT_EQ(broker.Receive(3), "new");
  EXPECT_EQ(old_broker.Receive(3, kMoment), "");
}

TEST_F(FaultProxyTest, BrokerThatIsNotThereResetsTheClient) {
  proxy_.SetTarget(amqp::ListeningSocket().port());
  End client = End::Dial(proxy_.port());
  EXPECT_EQ(client.WaitForEnd(), ECONNRESET);
}

TEST_F(FaultProxyTest, SleepsWhateverTheFault) {
  for (const Fault fault : {Fault::kNone, Fault::kStall, Fault::kFreeze,
                            Fault::kDrop, Fault::kCorrupt, Fault::kReset}) {
    auto [client, broker] = Connect();
    Set({.fault = fault, .after = 1});
    client.Send("123");
    client.Reset();
    broker.Receive(1, kMoment);
    const std::uint64_t before = proxy_.turns();
    std::this_thread::sleep_for(kMoment);
    EXPECT_LE(proxy_.turns() - before, 3u) << static_cast<int>(fault);
    Set({});
    proxy_.CutAll(Cut::kReset);
  }
}

TEST_F(FaultProxyTest, ManyThreadsMaySetFaultsWhileBytesPass) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this, i] {
      for (int n = 0; n < 50; ++n) {
        proxy_.SetFaults({.to_client = {.fault = i % 2 == 0 ? Fault::kFreeze
                                                            : Fault::kDrop}});
        End::Dial(proxy_.port()).Fill(1);
        proxy_.CutAll(Cut::kReset);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(proxy_.open(), 0);
}

}  // namespace
}  // namespace rpc::testing
