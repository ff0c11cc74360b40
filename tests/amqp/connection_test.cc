#include "rpc/amqp/connection.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "rpc/amqp/connection_options.h"
#include "rpc/amqp/session.h"
#include "rpc/base/deadline.h"
#include "tests/amqp/echo_channel.h"
#include "tests/amqp/listening_socket.h"
#include "tests/amqp/recording_driver.h"
#include "tests/amqp/test_broker.h"

namespace rpc::amqp {
namespace {

ConnectionOptions To(Address address) {
  ConnectionOptions options;
  options.addresses = {std::move(address)};
  options.session.connection_name = "connection_test";
  return options;
}

std::unique_ptr<Connection> Start(ConnectionOptions options,
                                  Connection::Driver* driver) {
  auto connection = Connection::Start(std::move(options), driver);
  EXPECT_TRUE(connection.ok()) << connection.status();
  return connection.ok() ? *std::move(connection) : nullptr;
}

// Runs an echo of `total` messages of `body` through the broker.
void ExpectEcho(const ConnectionOptions& options, int total, std::string body) {
  RecordingDriver driver;
  EchoChannel echo(total, 256, std::move(body));
  driver.on_up = [&](Session& session, TimePoint now) {
    echo.Open(session, now);
  };
  int received = 0;
  driver.on_turn = [&](Session* session, TimePoint) {
    if (session != nullptr) echo.Pump();
    if (echo.received() == total) {
      driver.Change([&] { received = echo.received(); });
    }
    return kNever;
  };
  auto connection = Start(options, &driver);
  EXPECT_TRUE(driver.WaitUntil([&] { return received == total; }))
      << connection->last_error() << " after " << echo.received();
  connection.reset();
  EXPECT_TRUE(echo.in_order());
}

TEST(Connection, LogsIn) {
  RecordingDriver driver;
  auto connection = Start(To(TestBroker()), &driver);
  ASSERT_TRUE(driver.WaitForUps(1)) << connection->last_error();
  EXPECT_EQ(connection->epoch(), 1u);
  EXPECT_TRUE(connection->last_error().ok());
}

TEST(Connection, ResolvesNames) {
  Address address = TestBroker();
  address.host = "localhost";
  RecordingDriver driver;
  auto connection = Start(To(address), &driver);
  EXPECT_TRUE(driver.WaitForUps(1)) << connection->last_error();
}

TEST(Connection, EchoesTwentyThousandMessages) {
  ExpectEcho(To(TestBroker()), 20000, "12586269025");
}

TEST(Connection, EchoesBodiesOfManyFrames) {
  ExpectEcho(To(TestBroker()), 20, std::string(1000 * 1000, 'x'));
}

// A callback that posts a request wakes the loop that runs it.
TEST(Connection, WhatReadingAsksForIsDoneByTheSameTurn) {
  constexpr int kMessages = 200;
  RecordingDriver driver;
  EchoChannel echo(kMessages, 1, "1");
  std::atomic<Connection*> woken{nullptr};
  int reads = 0, turns = 0;
  bool done = false;
  driver.on_up = [&](Session& session, TimePoint now) {
    echo.Open(session, now);
  };
  driver.on_read = [&] {
    ++reads;
    if (Connection* const connection = woken) connection->Wake();
  };
  driver.on_turn = [&](Session* session, TimePoint) {
    if (session != nullptr) echo.Pump();
    ++turns;
    if (echo.received() == kMessages) driver.Change([&] { done = true; });
    return kNever;
  };
  auto connection = Start(To(TestBroker()), &driver);
  woken = connection.get();
  ASSERT_TRUE(driver.WaitUntil([&] { return done; }));
  woken = nullptr;
  connection.reset();
  EXPECT_GE(reads, kMessages);
  EXPECT_LT(turns, reads + kMessages / 2);
}

TEST(Connection, RefusedPasswordEndsItForGoodWithoutTellingThePassword) {
  Address address = TestBroker();
  address.password = "wrong-secret";
  RecordingDriver driver;
  auto connection = Start(To(address), &driver);
  ASSERT_TRUE(driver.WaitForDowns(1));
  const Ending down = driver.downs()[0];
  EXPECT_EQ(down.status.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(down.retry, Retry::kNever);
  EXPECT_EQ(down.status, connection->last_error());
  EXPECT_FALSE(absl::StrContains(down.status.message(), "wrong-secret"));
}

TEST(Connection, RefusedVhostEndsItForGood) {
  Address address = TestBroker();
  address.vhost = "no such vhost";
  RecordingDriver driver;
  auto connection = Start(To(address), &driver);
  ASSERT_TRUE(driver.WaitForDowns(1));
  const Ending down = driver.downs()[0];
  EXPECT_EQ(down.status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(down.retry, Retry::kNever);
  EXPECT_TRUE(absl::StrContains(down.status.message(), "no such vhost"));
}

TEST(Connection, KeepsDiallingAClosedPort) {
  Address address;
  address.host = "127.0.0.1";
  address.port = ListeningSocket().port();  // closed again by now
  RecordingDriver driver;
  auto connection = Start(To(address), &driver);
  ASSERT_TRUE(driver.WaitForDowns(3));
  const Ending down = driver.downs()[2];
  EXPECT_EQ(down.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(down.retry, Retry::kYes);
  EXPECT_EQ(connection->epoch(), 0u);
}

TEST(Connection, GoesToTheNextAddress) {
  ConnectionOptions options = To(TestBroker());
  Address closed = options.addresses[0];
  closed.port = ListeningSocket().port();
  options.addresses.insert(options.addresses.begin(), closed);
  RecordingDriver driver;
  auto connection = Start(options, &driver);
  EXPECT_TRUE(driver.WaitForUps(1));
  EXPECT_EQ(driver.downs().size(), 1u);
}

TEST(Connection, GivesUpOnAListenerThatNeverAnswers) {
  ListeningSocket silent;
  ConnectionOptions options = To({.host = "127.0.0.1", .port = silent.port()});
  options.session.login_timeout = absl::Milliseconds(100);
  RecordingDriver driver;
  auto connection = Start(options, &driver);
  ASSERT_TRUE(driver.WaitForDowns(1));
  EXPECT_EQ(driver.downs()[0].status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(driver.downs()[0].retry, Retry::kYes);
}

TEST(Connection, DestructorIsBoundedWhateverThePeerDoes) {
  ListeningSocket silent;
  RecordingDriver driver;
  auto connection =
      Start(To({.host = "127.0.0.1", .port = silent.port()}), &driver);
  ASSERT_TRUE(silent.WaitForConnection());
  const absl::Time begin = absl::Now();
  connection.reset();
  EXPECT_LT(absl::Now() - begin, absl::Seconds(1));
  ASSERT_EQ(driver.downs().size(), 1u);
  EXPECT_EQ(driver.downs()[0].status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(driver.downs()[0].retry, Retry::kNever);
}

TEST(Connection, DestructorDoesNotWaitForTheRestOfADial) {
  RecordingDriver driver;
  // A name below .invalid never resolves; how long that takes is the system's
  // affair.
  auto connection = Start(To({.host = "broker.invalid"}), &driver);
  const absl::Time begin = absl::Now();
  connection.reset();
  EXPECT_LT(absl::Now() - begin, absl::Seconds(1));
}

TEST(Connection, StopSaysGoodbyeAndIsTheLastDown) {
  RecordingDriver driver;
  auto connection = Start(To(TestBroker()), &driver);
  ASSERT_TRUE(driver.WaitForUps(1));
  connection->Stop(Deadline::After(absl::Seconds(5)));
  connection->Stop(Deadline::After(absl::Seconds(5)));
  ASSERT_EQ(driver.downs().size(), 1u);
  EXPECT_EQ(driver.downs()[0].status.code(), absl::StatusCode::kCancelled);
  // Not "was stopped": that is what it says when the broker did not answer.
  EXPECT_TRUE(absl::StrContains(driver.downs()[0].status.message(),
                                "closed by its owner"))
      << driver.downs()[0].status;
}

TEST(Connection, DialsAgainAfterTheBrokerClosedIt) {
  RecordingDriver driver;
  driver.on_up = [&](Session& session, TimePoint) {
    if (driver.ups() > 0) return;
    // Acknowledging on a channel that was never opened: 504, a hard error.
    session.out().Append(
        std::string_view("\x01\x00\x63\x00\x00\x00\x0d\x00\x3c\x00\x50"
                         "\x00\x00\x00\x00\x00\x00\x00\x01\x00\xce",
                         21));
  };
  auto connection = Start(To(TestBroker()), &driver);
  ASSERT_TRUE(driver.WaitForUps(2)) << connection->last_error();
  EXPECT_EQ(connection->epoch(), 2u);
  ASSERT_EQ(driver.downs().size(), 1u);
  EXPECT_EQ(driver.downs()[0].retry, Retry::kYes);
  EXPECT_TRUE(absl::StrContains(driver.downs()[0].status.message(), "(504)"))
      << driver.downs()[0].status;
}

TEST(Connection, WakeCausesATurn) {
  RecordingDriver driver;
  std::atomic<int> wakes{0};
  int seen = 0;
  driver.on_turn = [&](Session*, TimePoint) {
    if (wakes.load() != seen) driver.Change([&] { seen = wakes.load(); });
    return kNever;
  };
  auto connection = Start(To(TestBroker()), &driver);
  ASSERT_TRUE(driver.WaitForUps(1));
  for (int i = 1; i <= 1000; ++i) {
    wakes.store(i);
    connection->Wake();
    ASSERT_TRUE(driver.WaitUntil([&] { return seen == i; })) << i;
  }
}

TEST(Connection, RefusesOptionsThatMakeNoSense) {
  RecordingDriver driver;
  ConnectionOptions no_address;
  EXPECT_EQ(Connection::Start(no_address, &driver).status().code(),
            absl::StatusCode::kInvalidArgument);
  ConnectionOptions no_heartbeat = To({});
  no_heartbeat.session.heartbeat = absl::ZeroDuration();
  const absl::Status status = Connection::Start(no_heartbeat, &driver).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(status.message(), "heartbeat"));
}

}  // namespace
}  // namespace rpc::amqp
