#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/base/status.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/amqp/listening_socket.h"
#include "tests/amqp/test_certificates.h"
#include "tests/faults/holdings.h"
#include "tests/faults/raise_to.h"
#include "tests/support/broker.h"
#include "tests/support/figure.h"
#include "tests/support/freeze.h"
#include "tests/support/private_broker.h"
#include "tests/transport/rabbitmq_bench.h"
#include "tests/transport/rabbitmq_probe.h"

namespace rpc::testing {
namespace {

// What became of calls, of which none may be late.
class Endings {
 public:
  void Add(const absl::Status& status, absl::Duration took,
           absl::Duration timeout) {
    const absl::Duration late = took - timeout;
    if (late > kLate) ++late_;
    RaiseTo(&latest_, absl::ToInt64Milliseconds(late));
    const bool is_deadlines = absl::IsDeadlineExceeded(status);
    ++(is_deadlines                        ? expired_
       : absl::IsResourceExhausted(status) ? refused_
                                           : others_);
    if (++ended_ == wanted_) all_.Set();
  }
  void Expect(std::size_t calls) { wanted_ = calls; }
  bool WaitForAll() { return all_.Wait(absl::Seconds(60)); }

  static constexpr absl::Duration kLate = absl::Milliseconds(100);
  std::size_t late() const { return late_; }
  // By how many milliseconds the last one was later than its deadline.
  std::int64_t latest() const { return latest_; }
  std::size_t expired() const { return expired_; }
  std::size_t others() const { return others_; }

 private:
  std::atomic<std::size_t> wanted_ = 0, ended_ = 0;
  std::atomic<std::int64_t> latest_ = 0;
  std::atomic<std::size_t> late_ = 0, expired_ = 0, refused_ = 0, others_ = 0;
  Event all_;
};

enum class Road { kPlain, kTls };

// A broker that takes nothing any more, and says nothing: to the kernel it is
// a peer that does not read. One for all of these, which goes on between them.
class StoppedBroker : public ::testing::TestWithParam<Road> {
 protected:
  static void SetUpTestSuite() {
    authority_ = std::make_unique<amqp::TestCertificate>(
        amqp::TestCertificate::Authority("authority"));
    certificate_ = std::make_unique<amqp::TestCertificate>(
        authority_->SignedFor("broker", "IP:127.0.0.1"));
    tls_port_ = amqp::ListeningSocket().port();  // closed again by now
    PrivateBrokerOptions options;
    options.config = absl::StrCat(
        "listeners.ssl.1 = 127.0.0.1:", tls_port_,
        "\nssl_options.certfile = ", certificate_->certificate_file(),
        "\nssl_options.keyfile = ", certificate_->key_file(), "\n");
    auto broker = PrivateBroker::Start(options);
    ASSERT_TRUE(broker.ok()) << broker.status();
    broker_ = *std::move(broker);
  }
  static void TearDownTestSuite() {
    broker_.reset();
    certificate_.reset();
    authority_.reset();
  }
  void SetUp() override { ASSERT_NE(broker_, nullptr) << "did not start"; }
  void TearDown() override {
    if (broker_ != nullptr) Continue();
  }

  bool is_tls() const { return GetParam() == Road::kTls; }

  template <typename Endpoint>
  typename Endpoint::Options ToBroker() const {
    auto options = At<Endpoint>(
        TutorialQueue(queue_),
        is_tls() ? absl::StrCat("amqps://guest:guest@127.0.0.1:", tls_port_)
                 : broker_->url());
    options.transport.tls.ca_file = authority_->certificate_file();
    return options;
  }

  void Stop() { ASSERT_TRUE(Freeze(broker_->pid()).ok()); }
  void Continue() { Thaw(broker_->pid()); }

 private:
  static std::unique_ptr<amqp::TestCertificate> authority_, certificate_;
  static std::unique_ptr<PrivateBroker> broker_;
  static int tls_port_;
  const std::string queue_ = UniqueName("stopped");
};
std::unique_ptr<amqp::TestCertificate> StoppedBroker::authority_;
std::unique_ptr<amqp::TestCertificate> StoppedBroker::certificate_;
std::unique_ptr<PrivateBroker> StoppedBroker::broker_;
int StoppedBroker::tls_port_ = 0;

INSTANTIATE_TEST_SUITE_P(Over, StoppedBroker,
                         ::testing::Values(Road::kPlain, Road::kTls),
                         [](const auto& road) {
                           return road.param == Road::kTls ? "Tls" : "Plain";
                         });

TEST_P(StoppedBroker, MakesNoCallerWaitBeyondItsDeadline) {
  // All of them end at once. ThreadSanitizer's program needs more than 100 ms
  // for so many on a slow machine.
  constexpr std::size_t kInFlight = kIsSanitized ? 1'000 : 10'000;
  constexpr std::size_t kCallers = 64;
  constexpr absl::Duration kTimeout = absl::Seconds(2);
  TestServer<ProbeServer> server(
      ToBroker<ProbeServer>(),
      Probe{[](const ServerContext&, std::uint64_t n) { return n; }});
  auto client = ProbeClient::Open(ToBroker<ProbeClient>());
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE(client->Call(1).ok());

  Stop();
  Endings asynchronous, blocking;
  asynchronous.Expect(kInFlight);
  for (std::size_t i = 0; i < kInFlight; ++i) {
    const TimePoint begin = Clock::now();
    client->CallAsync(i, {.timeout = kTimeout},
                      [&asynchronous, begin, kTimeout](const auto& value) {
                        asynchronous.Add(value.status(),
                                         absl::FromChrono(Clock::now() - begin),
                                         kTimeout);
                      });
  }
  {
    std::vector<std::jthread> callers;
    for (std::size_t i = 0; i < kCallers; ++i) {
      callers.emplace_back([&] {
        // One after the other, until after the asynchronous ones.
        for (int call = 0; call < 3; ++call) {
          absl::Status status;
          const absl::Duration timeout = kTimeout / 2;
          const absl::Duration took = Took(
              [&] { status = client->Call(1, {.timeout = timeout}).status(); });
          blocking.Add(status, took, timeout);
        }
      });
    }
  }
  EXPECT_TRUE(asynchronous.WaitForAll());
  EXPECT_EQ(asynchronous.late(), 0u);
  EXPECT_EQ(asynchronous.expired(), kInFlight);
  EXPECT_EQ(blocking.late(), 0u);
  EXPECT_EQ(blocking.expired(), 3 * kCallers);
  EXPECT_EQ(blocking.others() + asynchronous.others(), 0u);
  RecordFigure(
      absl::StrCat("latest of ", kInFlight + 3 * kCallers,
                   " calls after its deadline, broker frozen, ",
                   is_tls() ? "TLS" : "TCP"),
      absl::StrCat(std::max(asynchronous.latest(), blocking.latest()), " ms"),
      "<= 100 ms");

  Continue();
  // What is queued has expired: the next call is not behind it.
  EXPECT_TRUE(client->Call(1, {.timeout = absl::Seconds(20)}).ok());
}

TEST_P(StoppedBroker, LetsAnEndpointEndWithinASecond) {
  auto client = std::make_unique<absl::StatusOr<ProbeClient>>(
      ProbeClient::Open(ToBroker<ProbeClient>()));
  ASSERT_TRUE(client->ok()) << client->status();
  Stop();
  Tally ended;
  for (int i = 0; i < 1000; ++i) {
    (*client)->CallAsync(1, {.timeout = absl::Seconds(60)},
                         [&](const auto& value) {
                           EXPECT_FALSE(value.ok());
                           ended.Add();
                         });
  }
  const absl::Duration took = Took([&] { client.reset(); });
  EXPECT_LT(took, absl::Seconds(1));
  RecordFigure(absl::StrCat("end of an endpoint, broker frozen, ",
                            is_tls() ? "TLS" : "TCP"),
               absl::FormatDuration(took), "< 1s");
  EXPECT_EQ(ended.count(), 1000);
}

// With a reply that waits to leave.
TEST_P(StoppedBroker, LetsAServerStopWithinASecond) {
  Event held, leave;
  TestServer<ProbeServer> server(
      ToBroker<ProbeServer>(),
      Probe{[&](const ServerContext&, std::uint64_t n) {
        if (n == 2) {
          held.Set();
          leave.Wait();
        }
        return n;
      }});
  auto client = ProbeClient::Open(ToBroker<ProbeClient>());
  ASSERT_TRUE(client.ok()) << client.status();
  ASSERT_TRUE(client->Call(1).ok());
  auto pending = client->CallFuture(2, {.timeout = absl::Seconds(5)});
  ASSERT_TRUE(held.Wait());
  Stop();
  leave.Set();
  const absl::Duration took = Took([&] { server.Stop().IgnoreError(); });
  EXPECT_LT(took, absl::Seconds(1));
  RecordFigure(absl::StrCat("stop of a server, broker frozen, ",
                            is_tls() ? "TLS" : "TCP"),
               absl::FormatDuration(took), "< 1s");
}

}  // namespace
}  // namespace rpc::testing
