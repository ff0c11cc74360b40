#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/amqp/url.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/support/broker.h"
#include "tests/support/fault_proxy.h"
#include "tests/transport/rabbitmq_bench.h"
#include "tests/transport/rabbitmq_probe.h"

namespace rpc::testing {
namespace {

// A server behind a proxy that remembers, and a client that retries and whose
// requests therefore have ids.
class RememberedAnswers : public ::testing::Test {
 protected:
  ProbeServer::Options ServerOptions() {
    auto options = At<ProbeServer>(
        topology_,
        absl::StrCat("amqp://guest:guest@127.0.0.1:", proxy_.port()));
    options.server.workers = 2;
    options.server.remember_answers = 10;
    options.server.on_served = [this](const Request&, const Reply&) {
      served_.Add();
    };
    return options;
  }
  ProbeClient::Options ClientOptions() {
    auto options = At<ProbeClient>(topology_);
    options.retry.max_attempts = 2;
    return options;
  }

  auto CallOnce() {
    return std::jthread([this] {
      value_ = client_->Call(1, {.timeout = absl::Minutes(1)});
      ended_.Set();
    });
  }
  // Until the call ends, with what its only run returned.
  void ExpectOneRun() {
    ASSERT_TRUE(ended_.Wait());
    ASSERT_TRUE(value_.ok()) << value_.status();
    EXPECT_EQ(*value_, 1u);
    EXPECT_EQ(runs_, 1u);
    EXPECT_EQ(server_.endpoint().server_counters().succeeded, 1u);
    EXPECT_EQ(server_.endpoint().server_counters().duplicates, 1u);
    EXPECT_EQ(server_.endpoint().server_counters().redelivered, 1u);
    EXPECT_EQ(client_->call_counters().retried, 0u);
  }

  Event entered_, ended_;
  Tally served_;
  std::atomic<std::uint64_t> runs_ = 0;
  std::function<void()> run_;
  absl::StatusOr<std::uint64_t> value_;
  FaultProxy proxy_{amqp::ParseUrl(BrokerUrl())->port};
  const RabbitMqTopology topology_ = TutorialQueue(UniqueName("remembered"));
  TestServer<ProbeServer> server_{
      ServerOptions(), Probe{[this](const ServerContext&, std::uint64_t) {
        const std::uint64_t run = ++runs_;
        run_();
        return run;
      }}};
  absl::StatusOr<ProbeClient> client_ = ProbeClient::Open(ClientOptions());
};

TEST_F(RememberedAnswers, AreGivenAgainWhenTheReplyWasLost) {
  ASSERT_TRUE(client_.ok()) << client_.status();
  run_ = [this] { proxy_.Afflict({.to_broker = {.fault = Fault::kDrop}}); };
  const auto call = CallOnce();
  ASSERT_TRUE(served_.WaitFor(1));
  proxy_.CutAll(Cut::kReset);
  ExpectOneRun();
}

TEST_F(RememberedAnswers, AreGivenToWhatWasRedeliveredWhileTheHandlerRan) {
  ASSERT_TRUE(client_.ok()) << client_.status();
  Event leave;
  run_ = [&] {
    entered_.Set();
    leave.Wait();
  };
  const auto call = CallOnce();
  ASSERT_TRUE(entered_.Wait());
  proxy_.CutAll(Cut::kReset);
  ASSERT_TRUE(server_.servings().WaitFor(2));
  leave.Set();
  ExpectOneRun();
}

}  // namespace
}  // namespace rpc::testing
