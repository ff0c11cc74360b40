#include "rpc/amqp/login.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "tests/amqp/session_fixture.h"

namespace rpc::amqp {
namespace {

class Login : public SessionTest {
 protected:
  using SessionTest::SessionTest;

  void ExpectEnd(absl::StatusCode code, Retry retry) {
    ASSERT_TRUE(listener_.ending.has_value());
    EXPECT_EQ(listener_.ending->status.code(), code)
        << listener_.ending->status;
    EXPECT_EQ(listener_.ending->retry, retry);
    EXPECT_TRUE(session_.closed());
    EXPECT_FALSE(
        absl::StrContains(listener_.ending->status.message(), "very-secret"));
  }
};

TEST_F(Login, BeginsWithTheProtocolHeader) {
  EXPECT_EQ(session_.out().view(), std::string_view("AMQP\x00\x00\x09\x01", 8));
}

TEST_F(Login, AnswersStartWithCredentialsAndCapabilities) {
  Receive(0, frame::Start{"AMQPLAIN PLAIN", true});
  const std::vector<SentFrame> sent = Sent();
  ASSERT_EQ(MethodsOf(sent),
            std::vector<std::uint32_t>{AMQP_CONNECTION_START_OK_METHOD});
  const auto& start_ok = Arguments<amqp_connection_start_ok_t>(sent[0], pool_);
  EXPECT_EQ(ToView(start_ok.mechanism), "PLAIN");
  EXPECT_EQ(ToView(start_ok.response),
            std::string_view("\0guest\0very-secret", 18));
  const amqp_table_t& properties = start_ok.client_properties;
  const auto& last = properties.entries[properties.num_entries - 1];
  EXPECT_EQ(ToView(last.key), "capabilities");
  EXPECT_EQ(last.value.value.table.num_entries, 5);
}

TEST_F(Login, TunesDownToTheSmallerOfBothSides) {
  Receive(0, frame::Start{"PLAIN", true});
  Sent();
  Receive(0, frame::Tune{100, 8192, 4});
  const std::vector<SentFrame> sent = Sent();
  ASSERT_EQ(MethodsOf(sent),
            (std::vector<std::uint32_t>{AMQP_CONNECTION_TUNE_OK_METHOD,
                                        AMQP_CONNECTION_OPEN_METHOD}));
  const auto& tune_ok = Arguments<amqp_connection_tune_ok_t>(sent[0], pool_);
  EXPECT_EQ(tune_ok.channel_max, 100);
  EXPECT_EQ(tune_ok.frame_max, 8192u);
  EXPECT_EQ(tune_ok.heartbeat, 4);
}

TEST_F(Login, KeepsItsHeartbeatAndFrameLimitWhereTheBrokerHasNone) {
  Receive(0, frame::Start{"PLAIN", true});
  Sent();
  Receive(0, frame::Tune{0, 0, 0});
  const std::vector<SentFrame> sent = Sent();
  ASSERT_FALSE(sent.empty());
  const auto& tune_ok = Arguments<amqp_connection_tune_ok_t>(sent[0], pool_);
  EXPECT_EQ(tune_ok.channel_max, 65535);
  EXPECT_EQ(tune_ok.frame_max, 131072u);
  EXPECT_EQ(tune_ok.heartbeat, 10);
}

TEST_F(Login, KeepsItsHeartbeatAndFrameLimitWhereTheBrokersAreLarger) {
  Receive(0, frame::Start{"PLAIN", true});
  Sent();
  Receive(0, frame::Tune{2047, 1000000, 60});
  const std::vector<SentFrame> sent = Sent();
  ASSERT_FALSE(sent.empty());
  const auto& tune_ok = Arguments<amqp_connection_tune_ok_t>(sent[0], pool_);
  EXPECT_EQ(tune_ok.frame_max, 131072u);
  EXPECT_EQ(tune_ok.heartbeat, 10);
}

TEST_F(Login, OpensOnceTheVhostIsOpen) {
  Receive(0, frame::Start{"PLAIN", true});
  Receive(0, frame::Tune{2047, 131072, 60});
  EXPECT_FALSE(session_.open());
  Receive(0, frame::OpenOk{});
  EXPECT_TRUE(session_.open());
  EXPECT_EQ(trace_, (Trace{"open"}));
}

TEST_F(Login, RefusedCredentialsAreNotTriedAgain) {
  Receive(0, frame::Start{"PLAIN", true});
  Receive(0, frame::Close{403, "ACCESS_REFUSED - Login was refused", 0, 0});
  ExpectEnd(absl::StatusCode::kUnauthenticated, Retry::kNever);
  EXPECT_TRUE(absl::StrContains(listener_.ending->status.message(),
                                "ACCESS_REFUSED - Login was refused"));
}

TEST_F(Login, HangingUpOnCredentialsIsARefusalOnlyIfTheBrokerDoesNotSaySo) {
  Receive(0, frame::Start{"PLAIN", false});
  session_.OnDisconnected(absl::UnavailableError("closed"), now_);
  ExpectEnd(absl::StatusCode::kUnauthenticated, Retry::kNever);
}

TEST_F(Login, BreakingOffElsewhereIsTriedAgain) {
  Receive(0, frame::Start{"PLAIN", true});
  session_.OnDisconnected(absl::UnavailableError("closed"), now_);
  ExpectEnd(absl::StatusCode::kUnavailable, Retry::kYes);
}

TEST_F(Login, RefusedCertificateIsNotTriedAgain) {
  session_.OnDisconnected(absl::UnauthenticatedError("bad certificate"), now_);
  ExpectEnd(absl::StatusCode::kUnauthenticated, Retry::kNever);
}

TEST_F(Login, RefusedVhostIsNotTriedAgain) {
  Receive(0, frame::Start{"PLAIN", true});
  Receive(0, frame::Tune{2047, 131072, 60});
  Receive(0, frame::Close{530, "NOT_ALLOWED - vhost x not found", 10, 40});
  ExpectEnd(absl::StatusCode::kPermissionDenied, Retry::kNever);
}

TEST_F(Login, ConnectionLimitIsTriedAgain) {
  Receive(0, frame::Start{"PLAIN", true});
  Receive(0, frame::Tune{2047, 131072, 60});
  Receive(0, frame::Close{530,
                          "NOT_ALLOWED - access to vhost '/' refused for user "
                          "'guest': connection limit (1) is reached",
                          10, 40});
  ExpectEnd(absl::StatusCode::kResourceExhausted, Retry::kYes);
}

TEST_F(Login, BrokerThatShutsDownIsTriedAgain) {
  Receive(0, frame::Close{320, "CONNECTION_FORCED - shutdown", 0, 0});
  ExpectEnd(absl::StatusCode::kUnavailable, Retry::kYes);
}

TEST_F(Login, MechanismThatIsNotOfferedIsNotTriedAgain) {
  Receive(0, frame::Start{"EXTERNAL", true});
  ExpectEnd(absl::StatusCode::kUnauthenticated, Retry::kNever);
}

TEST_F(Login, SecondQuestionIsNotTriedAgain) {
  Receive(0, frame::Start{"PLAIN", true});
  Receive(0, frame::Secure{});
  ExpectEnd(absl::StatusCode::kUnauthenticated, Retry::kNever);
}

TEST_F(Login, MethodOutOfTurnEndsIt) {
  Receive(0, frame::OpenOk{});
  ExpectEnd(absl::StatusCode::kInternal, Retry::kYes);
}

TEST_F(Login, ChannelBeforeLoginEndsIt) {
  Receive(1, frame::ChannelOpenOk{});
  ExpectEnd(absl::StatusCode::kInternal, Retry::kYes);
}

TEST_F(Login, SilenceEndsItAtTheTimeout) {
  Advance(absl::Seconds(4.9));
  EXPECT_FALSE(session_.closed());
  EXPECT_EQ(session_.NextWake() - now_, std::chrono::milliseconds(100));
  Advance(absl::Seconds(0.1));
  ExpectEnd(absl::StatusCode::kUnavailable, Retry::kYes);
}

class ExternalLogin : public SessionTest {
 protected:
  ExternalLogin() : SessionTest(External()) {}

  static SessionOptions External() {
    SessionOptions options = Options();
    options.mechanism = Mechanism::kExternal;
    return options;
  }
};

TEST_F(ExternalLogin, SendsTheIdentityAndNoPassword) {
  Receive(0, frame::Start{"PLAIN EXTERNAL", true});
  const std::vector<SentFrame> sent = Sent();
  ASSERT_EQ(sent.size(), 1u);
  const auto& start_ok = Arguments<amqp_connection_start_ok_t>(sent[0], pool_);
  EXPECT_EQ(ToView(start_ok.mechanism), "EXTERNAL");
  EXPECT_EQ(ToView(start_ok.response), "guest");
}

}  // namespace
}  // namespace rpc::amqp
