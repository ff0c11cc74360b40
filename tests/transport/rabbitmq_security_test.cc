#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/base/status.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/amqp/listening_socket.h"
#include "tests/amqp/test_certificates.h"
#include "tests/support/private_broker.h"
#include "tests/transport/rabbitmq_bench.h"
#include "tests/transport/rabbitmq_probe.h"

namespace rpc::testing {
namespace {

using amqp::TestCertificate;

const Probe kEcho{[](const ServerContext&, std::uint64_t n) { return n; }};

// A broker that takes certificates for logins, and gives rights as README says.
class RabbitMqSecurity : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    authority_ = new TestCertificate(TestCertificate::Authority("authority"));
    const TestCertificate broker =
        authority_->SignedFor("broker", "IP:127.0.0.1");
    tls_port_ = amqp::ListeningSocket().port();  // closed again by now
    PrivateBrokerOptions options;
    options.plugins = {"rabbitmq_auth_mechanism_ssl"};
    options.config = absl::StrCat(
        "listeners.ssl.1 = 127.0.0.1:", tls_port_,
        "\nssl_options.cacertfile = ", authority_->certificate_file(),
        "\nssl_options.certfile = ", broker.certificate_file(),
        "\nssl_options.keyfile = ", broker.key_file(),
        "\nssl_options.verify = verify_peer"
        "\nssl_options.fail_if_no_peer_cert = false"
        "\nauth_mechanisms.1 = PLAIN\nauth_mechanisms.2 = EXTERNAL"
        "\nssl_cert_login_from = common_name\n");
    auto started = PrivateBroker::Start(options);
    ASSERT_TRUE(started.ok()) << started.status();
    broker_ = started->release();
    AddUser("client", R"(^rpc\.reply\.cli\..*$)",
            R"(^(amq\.default|rpc\.reply\.cli\..*)$)",
            R"(^rpc\.reply\.cli\..*$)");
    AddUser("server", R"(^rpc\.fib$)", R"(^(amq\.default|rpc\.fib)$)",
            R"(^rpc\.fib$)");
    AddUser("quorum", R"(^rpc\.sum(\.dead)?$)",
            R"(^(amq\.default|rpc\.sum(\.dead)?)$)", R"(^rpc\.sum(\.dead)?$)");
  }
  static void TearDownTestSuite() {
    delete std::exchange(broker_, nullptr);
    delete std::exchange(authority_, nullptr);
  }

  static void AddUser(const std::string& name, const std::string& configure,
                      const std::string& write, const std::string& read) {
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"add_user", name, "secret-of-" + name},
          {"set_permissions", name, configure, write, read}}) {
      const auto done = broker_->Ctl(command);
      ASSERT_TRUE(done.ok()) << done.status();
    }
  }

  template <typename Endpoint>
  static typename Endpoint::Options As(const std::string& user,
                                       const std::string& queue = "rpc.fib") {
    auto options = At<Endpoint>(
        TutorialQueue(queue), absl::StrCat("amqp://", user, ":secret-of-", user,
                                           "@127.0.0.1:", broker_->port()));
    options.transport.reply_queue_prefix = "rpc.reply.cli.";
    return options;
  }

  static ProbeClient::Options ByCertificate() {
    auto options =
        At<ProbeClient>(TutorialQueue("rpc.fib"),
                        absl::StrCat("amqps://127.0.0.1:", tls_port_));
    options.transport.tls.ca_file = authority_->certificate_file();
    options.transport.login = amqp::Mechanism::kExternal;
    options.transport.reply_queue_prefix = "rpc.reply.cli.";
    return options;
  }

  static absl::Status CallAs(const ProbeClient::Options& options) {
    auto client = ProbeClient::Open(options);
    return client.ok() ? client->Call(1).status() : client.status();
  }

  static TestCertificate* authority_;
  static PrivateBroker* broker_;
  static int tls_port_;
};
TestCertificate* RabbitMqSecurity::authority_ = nullptr;
PrivateBroker* RabbitMqSecurity::broker_ = nullptr;
int RabbitMqSecurity::tls_port_ = 0;

TEST_F(RabbitMqSecurity, LeastRightsAreEnough) {
  TestServer<ProbeServer> server(As<ProbeServer>("server"), kEcho);
  EXPECT_TRUE(CallAs(As<ProbeClient>("client")).ok());
  EXPECT_TRUE(server.Stop().ok());
}

TEST_F(RabbitMqSecurity, LeastRightsAreEnoughForAQuorumQueue) {
  auto options = As<ProbeServer>("quorum");
  options.transport.topology = QuorumQueue("rpc.sum");
  TestServer<ProbeServer> server(options, kEcho);
  auto client = As<ProbeClient>("client");
  client.transport.topology = QuorumQueue("rpc.sum");
  const absl::Status status = CallAs(client);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(server.Stop().ok());
}

TEST_F(RabbitMqSecurity, WhatGoesBeyondTheRightsIsRefused) {
  TestServer<ProbeServer> server(As<ProbeServer>("server"), kEcho);
  auto foreign = As<ProbeClient>("client");
  foreign.transport.reply_queue_prefix = "rpc.reply.other.";
  std::vector<absl::Status> refusals = {CallAs(foreign),
                                        CallAs(As<ProbeClient>("server"))};
  for (const auto& options :
       {As<ProbeServer>("client"), As<ProbeServer>("server", "rpc.other")}) {
    TestServer<ProbeServer> refused(TestServer<ProbeServer>::Deferred{},
                                    options, kEcho);
    refusals.push_back(refused.Wait());
  }
  for (const absl::Status& status : refusals) {
    EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
    EXPECT_EQ(ToStd(status.message()).find("secret"), std::string_view::npos);
  }
}

TEST_F(RabbitMqSecurity, CertificateIsALogin) {
  TestServer<ProbeServer> server(As<ProbeServer>("server"), kEcho);
  const TestCertificate client = authority_->SignedFor("client", "DNS:client");
  auto options = ByCertificate();
  options.transport.tls.certificate_file = client.certificate_file();
  options.transport.tls.key_file = client.key_file();
  const absl::Status status = CallAs(options);
  EXPECT_TRUE(status.ok()) << status;
}

TEST_F(RabbitMqSecurity, CertificateOfAStrangerIsNone) {
  const TestCertificate stranger =
      authority_->SignedFor("stranger", "DNS:stranger");
  const TestCertificate forged =
      TestCertificate::Authority("forger").SignedFor("client", "DNS:client");
  for (const TestCertificate* certificate : {&stranger, &forged}) {
    auto options = ByCertificate();
    options.open_timeout = absl::Seconds(2);
    options.transport.tls.certificate_file = certificate->certificate_file();
    options.transport.tls.key_file = certificate->key_file();
    EXPECT_FALSE(ProbeClient::Open(options).ok());
  }
}

TEST_F(RabbitMqSecurity, NothingThatIsToldContainsThePassword) {
  std::mutex mutex;
  std::string told;
  const auto keep = [&](const std::string& text) {
    const std::lock_guard lock(mutex);
    absl::StrAppend(&told, text, "\n");
  };
  for (const char* user : {"client", "nobody"}) {
    auto options = As<ProbeClient>(user, "rpc.missing");
    options.transport.on_warning = [&](std::string_view line) {
      keep(std::string(line));
    };
    options.transport.on_connection = [&](const ConnectionEvent& event) {
      keep(event.status.ToString());
    };
    auto client = ProbeClient::Open(options);
    keep(client.status().ToString());
    if (!client.ok()) continue;
    keep(client->transport().Describe());
    keep(client->Call(1).status().ToString());
    ASSERT_TRUE(broker_->Ctl({"close_all_connections", "test"}).ok());
    while (client->transport().counters().connected < 2) {
      std::this_thread::yield();
    }
    keep(client->transport().Describe());
  }
  EXPECT_NE(told.find("127.0.0.1"), std::string::npos) << told;
  EXPECT_EQ(told.find("secret-of"), std::string::npos) << told;
}

}  // namespace
}  // namespace rpc::testing
