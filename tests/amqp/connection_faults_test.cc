#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "rpc/amqp/connection.h"
#include "rpc/amqp/session_listener.h"
#include "tests/amqp/broker_frames.h"
#include "tests/amqp/recording_driver.h"
#include "tests/amqp/scripted_broker.h"

namespace rpc::amqp {
namespace {

// A driver that opens one channel and publishes as much as it is let.
class PublishingDriver final : public RecordingDriver, private ChannelListener {
 public:
  explicit PublishingDriver(int total) : total_(total) {
    on_up = [this](Session& session, TimePoint now) {
      channel_ = *session.OpenChannel({}, this, now);
    };
    on_turn = [this](Session* session, TimePoint) {
      const int before = published_;
      while (session != nullptr && published_ < total_ &&
             session->CanPublish(channel_)) {
        EXPECT_TRUE(session
                        ->Publish(channel_, "", "q", Properties(),
                                  std::string(1000, 'x'), Mandatory::kNo)
                        .ok());
        ++published_;
      }
      Change([&] {
        ++turns_;
        idle_turns_ =
            published_ > before || published_ == 0 ? 0 : idle_turns_ + 1;
      });
      return kNever;
    };
  }

  // Wakes `connection` until a hundred turns in a row had nothing that they
  // could publish.
  testing::AssertionResult WaitUntilStuck(Connection& connection) {
    int turns = 0;
    int idle_turns = 0;
    while (idle_turns < 100) {
      connection.Wake();
      const bool turned = WaitUntil([&] {
        idle_turns = idle_turns_;
        return std::exchange(turns, turns_) < turns_;
      });
      if (!turned) return testing::AssertionFailure() << "no turn follows";
    }
    return testing::AssertionSuccess();
  }

 private:
  void OnReady(const ChannelNames&) override {}
  void OnChannelClosed(const absl::Status&, Retry) override {}

  const int total_;
  ChannelId channel_{};
  int published_ = 0;
  int turns_ = 0;       // both under the lock of WaitUntil
  int idle_turns_ = 0;  // in a row
};

class ConnectionFaults : public ::testing::Test {
 protected:
  std::unique_ptr<Connection> Start(Connection::Driver* driver) {
    ConnectionOptions options;
    Address address;
    address.host = "127.0.0.1";
    address.port = broker_.port();
    options.addresses = {address};
    options.session.heartbeat = heartbeat_;
    auto connection = Connection::Start(std::move(options), driver);
    EXPECT_TRUE(connection.ok()) << connection.status();
    return *std::move(connection);
  }

  void OpenChannel() {
    broker_.Await(1);
    broker_.Send(
        MethodFrame(1, AMQP_CHANNEL_OPEN_OK_METHOD, amqp_channel_open_ok_t{}));
  }

  static void ExpectBoundedEnd(std::unique_ptr<Connection> connection) {
    const absl::Time begin = absl::Now();
    connection.reset();
    EXPECT_LT(absl::Now() - begin, absl::Seconds(1));
  }

  ScriptedBroker broker_;
  absl::Duration heartbeat_ = absl::Seconds(10);
};

TEST_F(ConnectionFaults, DestructorIsBoundedWhenTheBrokerFallsSilent) {
  RecordingDriver driver;
  auto connection = Start(&driver);
  broker_.LogIn();
  ASSERT_TRUE(driver.WaitForUps(1));
  ExpectBoundedEnd(std::move(connection));
  ASSERT_EQ(driver.downs().size(), 1u);
  EXPECT_EQ(driver.downs()[0].retry, Retry::kNever);
}

TEST_F(ConnectionFaults, BrokerThatReadsNothingBlocksNeitherTurnsNorTheEnd) {
  PublishingDriver driver(1000000);
  auto connection = Start(&driver);
  broker_.LogIn();
  OpenChannel();
  EXPECT_TRUE(driver.WaitUntilStuck(*connection));
  ExpectBoundedEnd(std::move(connection));
}

TEST_F(ConnectionFaults, EachTimeTheBufferHasRoomAgainATurnFollows) {
  constexpr int kMessages = 2000;
  PublishingDriver driver(kMessages);
  auto connection = Start(&driver);
  broker_.LogIn();
  OpenChannel();
  broker_.Await(std::size_t{kMessages} * 1000);
}

TEST_F(ConnectionFaults, SilentBrokerIsDeadAfterTwoHeartbeats) {
  heartbeat_ = absl::Seconds(1);
  RecordingDriver driver;
  auto connection = Start(&driver);
  broker_.LogIn();
  ASSERT_TRUE(driver.WaitForUps(1));
  const absl::Time begin = absl::Now();
  ASSERT_TRUE(driver.WaitForDowns(1));
  const absl::Duration took = absl::Now() - begin;
  EXPECT_GT(took, absl::Seconds(1.9));
  EXPECT_LT(took, absl::Seconds(3));
  EXPECT_TRUE(
      absl::StrContains(driver.downs()[0].status.message(), "two heartbeats"));
}

TEST_F(ConnectionFaults, HeartbeatsKeepAnIdleConnectionUp) {
  heartbeat_ = absl::Seconds(1);
  RecordingDriver driver;
  auto connection = Start(&driver);
  broker_.LogIn();
  for (int beat = 0; beat < 6; ++beat) {
    broker_.Await(8);
    broker_.Send(RawFrame(AMQP_FRAME_HEARTBEAT, 0, ""));
  }
  EXPECT_EQ(driver.downs().size(), 0u);
}

TEST_F(ConnectionFaults, HangUpIsDialledAgain) {
  RecordingDriver driver;
  auto connection = Start(&driver);
  broker_.LogIn();
  ASSERT_TRUE(driver.WaitForUps(1));
  broker_.HangUp();
  ASSERT_TRUE(driver.WaitForDowns(1));
  EXPECT_EQ(driver.downs()[0].status.code(), absl::StatusCode::kUnavailable);
  broker_.LogIn();
  EXPECT_TRUE(driver.WaitForUps(2));
}

TEST_F(ConnectionFaults, ResetInTheMiddleOfAFrameIsDialledAgain) {
  RecordingDriver driver;
  auto connection = Start(&driver);
  broker_.LogIn();
  ASSERT_TRUE(driver.WaitForUps(1));
  broker_.Send(RawFrame(3, 1, "half").substr(0, 9));
  broker_.Reset();
  broker_.LogIn();
  EXPECT_TRUE(driver.WaitForUps(2));
  EXPECT_EQ(driver.downs()[0].status.code(), absl::StatusCode::kUnavailable);
}

TEST_F(ConnectionFaults, LastWordsOfABrokerThatHangsUpAreHeard) {
  RecordingDriver driver;
  auto connection = Start(&driver);
  broker_.LogIn();
  ASSERT_TRUE(driver.WaitForUps(1));
  amqp_connection_close_t close = {};
  close.reply_code = 320;
  close.reply_text = ToAmqp("CONNECTION_FORCED - shutdown");
  broker_.Send(MethodFrame(0, AMQP_CONNECTION_CLOSE_METHOD, close));
  broker_.HangUp();
  ASSERT_TRUE(driver.WaitForDowns(1));
  EXPECT_TRUE(absl::StrContains(driver.downs()[0].status.message(),
                                "CONNECTION_FORCED"));
}

TEST_F(ConnectionFaults, GarbageEndsTheEpochOnly) {
  RecordingDriver driver;
  auto connection = Start(&driver);
  broker_.LogIn();
  ASSERT_TRUE(driver.WaitForUps(1));
  broker_.Send("HTTP/1.1 400 Bad Request\r\n\r\n");
  ASSERT_TRUE(driver.WaitForDowns(1));
  EXPECT_EQ(driver.downs()[0].status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(driver.downs()[0].retry, Retry::kYes);
  broker_.LogIn();
  EXPECT_TRUE(driver.WaitForUps(2));
}

}  // namespace
}  // namespace rpc::amqp
