#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "rpc/amqp/connection.h"
#include "rpc/base/status.h"
#include "tests/amqp/echo_channel.h"
#include "tests/amqp/listening_socket.h"
#include "tests/amqp/recording_driver.h"
#include "tests/amqp/test_broker.h"
#include "tests/amqp/test_certificates.h"
#include "tests/amqp/tls_terminator.h"

namespace rpc::amqp {
namespace {

class TlsConnection : public ::testing::Test {
 protected:
  // The terminator is the test's own; a client that breaks off must not kill
  // it.
  static void SetUpTestSuite() { ::signal(SIGPIPE, SIG_IGN); }

  ConnectionOptions To(std::uint16_t port) const {
    ConnectionOptions options;
    Address address = TestBroker();
    address.host = "127.0.0.1";
    address.port = port;
    address.tls = true;
    options.addresses = {address};
    options.tls.ca_file = authority_.certificate_file();
    return options;
  }

  bool ComesUp(const ConnectionOptions& options) {
    auto connection = Connection::Start(options, &driver_);
    return connection.ok() && driver_.WaitForUps(1);
  }

  // How the first attempt fails.
  Ending FirstDown(const ConnectionOptions& options) {
    auto connection = Connection::Start(options, &driver_);
    if (!connection.ok() || !driver_.WaitForDowns(1)) {
      ADD_FAILURE() << "it does not fail";
      return {};
    }
    return driver_.downs()[0];
  }

  void ExpectRefused(const ConnectionOptions& options, absl::StatusCode code,
                     std::string_view words) {
    const Ending down = FirstDown(options);
    EXPECT_EQ(down.status.code(), code) << down.status;
    EXPECT_EQ(down.retry, Retry::kNever) << down.status;
    EXPECT_TRUE(absl::StrContains(down.status.message(), ToAbsl(words)))
        << down.status;
  }

  const TestCertificate authority_ = TestCertificate::Authority("authority");
  const TestCertificate other_authority_ = TestCertificate::Authority("other");
  const TestCertificate server_ =
      authority_.SignedFor("server", "DNS:localhost,IP:127.0.0.1");
  RecordingDriver driver_;
};

TEST_F(TlsConnection, EchoesThroughTheBrokerKnownByItsAddress) {
  TlsTerminator terminator(TestBroker(), server_, nullptr);
  for (const std::size_t body_size : {std::size_t{11}, std::size_t{300000}}) {
    const int total = body_size > 1000 ? 10 : 2000;
    EchoChannel echo(total, 256, std::string(body_size, 'x'));
    int received = 0;
    driver_.on_up = [&](Session& session, TimePoint now) {
      echo.Open(session, now);
    };
    driver_.on_turn = [&](Session* session, TimePoint) {
      if (session != nullptr) echo.Pump();
      driver_.Change([&] { received = echo.received(); });
      return kNever;
    };
    auto connection = Connection::Start(To(terminator.port()), &driver_);
    ASSERT_TRUE(connection.ok());
    EXPECT_TRUE(driver_.WaitUntil([&] { return received == total; }))
        << (*connection)->last_error();
    connection->reset();
    EXPECT_TRUE(echo.in_order());
  }
}

TEST_F(TlsConnection, KnowsTheBrokerByItsName) {
  TlsTerminator terminator(TestBroker(), server_, nullptr);
  ConnectionOptions options = To(terminator.port());
  options.tls.server_name = "localhost";
  EXPECT_TRUE(ComesUp(options));
}

TEST_F(TlsConnection, RefusesACertificateForAnotherName) {
  TlsTerminator terminator(TestBroker(), server_, nullptr);
  ConnectionOptions options = To(terminator.port());
  options.tls.server_name = "broker.example";
  ExpectRefused(options, absl::StatusCode::kUnauthenticated,
                "hostname mismatch");
}

TEST_F(TlsConnection, RefusesACertificateForAnotherAddress) {
  const TestCertificate elsewhere =
      authority_.SignedFor("elsewhere", "DNS:localhost,IP:127.0.0.2");
  TlsTerminator terminator(TestBroker(), elsewhere, nullptr);
  ExpectRefused(To(terminator.port()), absl::StatusCode::kUnauthenticated,
                "IP address mismatch");
}

TEST_F(TlsConnection, RefusesACertificateByAnotherAuthority) {
  TlsTerminator terminator(TestBroker(), server_, nullptr);
  ConnectionOptions options = To(terminator.port());
  options.tls.ca_file = other_authority_.certificate_file();
  ExpectRefused(options, absl::StatusCode::kUnauthenticated, "ca_file");
}

TEST_F(TlsConnection, RefusesWhatTheSystemDoesNotKnow) {
  TlsTerminator terminator(TestBroker(), server_, nullptr);
  ConnectionOptions options = To(terminator.port());
  options.tls.ca_file.clear();
  ExpectRefused(options, absl::StatusCode::kUnauthenticated, "certificate");
}

TEST_F(TlsConnection, TakesAnyCertificateOnlyIfToldTo) {
  TlsTerminator terminator(TestBroker(), server_, nullptr);
  ConnectionOptions options = To(terminator.port());
  options.tls.ca_file.clear();
  options.tls.verification = PeerVerification::kNone;
  EXPECT_TRUE(ComesUp(options));
}

TEST_F(TlsConnection, ShowsItsCertificate) {
  TlsTerminator terminator(TestBroker(), server_, &authority_);
  const TestCertificate client = authority_.SignedFor("client", "DNS:client");
  ConnectionOptions options = To(terminator.port());
  options.tls.certificate_file = client.certificate_file();
  options.tls.key_file = client.key_file();
  EXPECT_TRUE(ComesUp(options));
}

TEST_F(TlsConnection, IsRefusedWithoutACertificate) {
  TlsTerminator terminator(TestBroker(), server_, &authority_);
  ExpectRefused(To(terminator.port()), absl::StatusCode::kUnauthenticated,
                "certificate_file");
}

TEST_F(TlsConnection, IsRefusedWithAForeignCertificate) {
  TlsTerminator terminator(TestBroker(), server_, &authority_);
  const TestCertificate client =
      other_authority_.SignedFor("client", "DNS:client");
  ConnectionOptions options = To(terminator.port());
  options.tls.certificate_file = client.certificate_file();
  options.tls.key_file = client.key_file();
  ExpectRefused(options, absl::StatusCode::kUnauthenticated,
                "certificate_file");
}

TEST_F(TlsConnection, NamesTheFileThatCannotBeUsed) {
  TlsTerminator terminator(TestBroker(), server_, nullptr);
  ConnectionOptions no_authority = To(terminator.port());
  no_authority.tls.ca_file = "/nonexistent/ca.pem";
  ExpectRefused(no_authority, absl::StatusCode::kInvalidArgument,
                "TlsOptions.ca_file '/nonexistent/ca.pem'");
}

TEST_F(TlsConnection, RefusesAKeyThatBelongsToAnotherCertificate) {
  TlsTerminator terminator(TestBroker(), server_, nullptr);
  ConnectionOptions options = To(terminator.port());
  options.tls.certificate_file = server_.certificate_file();
  options.tls.key_file = authority_.key_file();
  ExpectRefused(options, absl::StatusCode::kInvalidArgument,
                "TlsOptions.key_file");
}

TEST_F(TlsConnection, RefusesACertificateWithoutItsKey) {
  TlsTerminator terminator(TestBroker(), server_, nullptr);
  ConnectionOptions options = To(terminator.port());
  options.tls.certificate_file = server_.certificate_file();
  ExpectRefused(options, absl::StatusCode::kInvalidArgument, "key_file");
}

TEST_F(TlsConnection, NamesAPortThatSpeaksNoTls) {
  ExpectRefused(To(TestBroker().port), absl::StatusCode::kInvalidArgument,
                "speaks no TLS");
}

TEST_F(TlsConnection, GivesUpOnAHandshakeThatIsNeverAnswered) {
  ListeningSocket silent;
  ConnectionOptions options = To(silent.port());
  options.connect_timeout = absl::Milliseconds(100);
  const Ending down = FirstDown(options);
  EXPECT_EQ(down.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(down.retry, Retry::kYes);
}

}  // namespace
}  // namespace rpc::amqp
