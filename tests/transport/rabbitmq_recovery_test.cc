#include <sys/resource.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/base/status.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/support/freeze.h"
#include "tests/support/private_broker.h"
#include "tests/transport/rabbitmq_bench.h"
#include "tests/transport/rabbitmq_plain_client.h"
#include "tests/transport/rabbitmq_probe.h"

namespace rpc::testing {
namespace {

// One broker for all of these, since a node takes seconds to start; each test
// leaves it as it found it.
class RabbitMqRecovery : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto started = PrivateBroker::Start();
    ASSERT_TRUE(started.ok()) << started.status();
    broker_ = started->release();
  }
  static void TearDownTestSuite() { delete std::exchange(broker_, nullptr); }

  static std::string Ctl(const std::vector<std::string>& arguments) {
    const absl::StatusOr<std::string> output = broker_->Ctl(arguments);
    EXPECT_TRUE(output.ok()) << output.status();
    return output.value_or("");
  }

  template <typename Endpoint>
  static typename Endpoint::Options Here(const RabbitMqTopology& topology) {
    return At<Endpoint>(topology, broker_->url());
  }

  static PrivateBroker* broker_;
};
PrivateBroker* RabbitMqRecovery::broker_ = nullptr;

// The processor time that this process has had.
absl::Duration CpuTime() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return absl::DurationFromTimeval(usage.ru_utime) +
         absl::DurationFromTimeval(usage.ru_stime);
}

const Probe kEcho{[](const ServerContext&, std::uint64_t n) { return n; }};

TEST_F(RabbitMqRecovery, WorksAgainAfterARestartOfTheBroker) {
  const RabbitMqTopology topology = TutorialQueue(UniqueName("restart"));
  Event running, release;
  TestServer<ProbeServer> server(
      Here<ProbeServer>(topology),
      Probe{[&](const ServerContext&, std::uint64_t n) {
        if (n == 1) {
          running.Set();
          release.Wait();
        }
        return n;
      }});
  auto client = ProbeClient::Open(Here<ProbeClient>(topology));
  ASSERT_TRUE(client.ok()) << client.status();
  absl::Status interrupted;
  std::jthread held([&] {
    interrupted = client->Call(1, {.timeout = absl::Minutes(2)}).status();
  });
  ASSERT_TRUE(running.Wait());
  Ctl({"stop_app"});
  // The reply queue is gone: nobody can answer any more.
  held.join();
  EXPECT_EQ(interrupted.code(), absl::StatusCode::kUnavailable) << interrupted;
  EXPECT_TRUE(MayHaveRun(interrupted));
  release.Set();
  // Waits for the broker, within its deadline.
  absl::StatusOr<std::uint64_t> meanwhile;
  std::jthread waiting(
      [&] { meanwhile = client->Call(2, {.timeout = absl::Minutes(2)}); });
  Ctl({"start_app"});
  waiting.join();
  ASSERT_TRUE(meanwhile.ok()) << meanwhile.status();
  EXPECT_EQ(*meanwhile, 2u);
  EXPECT_TRUE(server.servings().WaitFor(2));
  EXPECT_EQ(server.interruptions().count(), 1);
  EXPECT_EQ(client->Call(3).value(), 3u);
  EXPECT_TRUE(server.Stop().ok());
}

// What a hook was told, in its order.
class ConnectionEvents {
 public:
  auto Hook() {
    return [this](const ConnectionEvent& event) {
      {
        const std::lock_guard lock(mutex_);
        events_.push_back(event);
      }
      told_.Add();
    };
  }
  // Until one of this kind has come; the first of them.
  std::optional<ConnectionEvent> WaitFor(ConnectionEvent::Kind kind) {
    for (int seen = 0; told_.WaitFor(seen + 1); ++seen) {
      const std::lock_guard lock(mutex_);
      if (events_[static_cast<std::size_t>(seen)].kind == kind) {
        return events_[static_cast<std::size_t>(seen)];
      }
    }
    return std::nullopt;
  }

 private:
  Tally told_;
  std::mutex mutex_;
  std::vector<ConnectionEvent> events_;
};
using Kind = ConnectionEvent::Kind;

TEST_F(RabbitMqRecovery, HookAndCountersTellWhatHappensToTheConnection) {
  ConnectionEvents events;
  auto options = Here<ProbeClient>(TutorialQueue(UniqueName("hook")));
  options.transport.on_connection = events.Hook();
  auto client = ProbeClient::Open(options);
  ASSERT_TRUE(client.ok()) << client.status();
  const auto connected = events.WaitFor(Kind::kConnected);
  ASSERT_TRUE(connected.has_value());
  EXPECT_EQ(connected->epoch, 1u);
  Ctl({"stop_app"});
  const auto lost = events.WaitFor(Kind::kLost);
  ASSERT_TRUE(lost.has_value());
  EXPECT_NE(lost->status.message().find("amqp://127.0.0.1"),
            absl::string_view::npos)
      << lost->status;
  ASSERT_TRUE(events.WaitFor(Kind::kFailed).has_value());
  Ctl({"start_app"});
  while (client->transport().counters().connected < 2) {
    std::this_thread::yield();
  }
  EXPECT_EQ(client->transport().counters().lost, 1u);
  EXPECT_GE(client->transport().counters().failed, 1u);
}

TEST_F(RabbitMqRecovery, HookIsToldWhatCannotHeal) {
  ConnectionEvents events;
  auto options = At<ProbeClient>(TutorialQueue("unused"),
                                 "amqp://guest:wrong-password@127.0.0.1:" +
                                     std::to_string(broker_->port()));
  options.transport.on_connection = events.Hook();
  EXPECT_TRUE(absl::IsUnauthenticated(ProbeClient::Open(options).status()));
  const auto event = events.WaitFor(Kind::kGivenUp);
  ASSERT_TRUE(event.has_value());
  EXPECT_TRUE(absl::IsUnauthenticated(event->status));
  EXPECT_EQ(event->status.ToString().find("wrong-password"), std::string::npos);
}

TEST_F(RabbitMqRecovery, CallMayFailAtOnceWhileTheBrokerIsAway) {
  auto client =
      ProbeClient::Open(Here<ProbeClient>(TutorialQueue(UniqueName("fast"))));
  ASSERT_TRUE(client.ok()) << client.status();
  Ctl({"stop_app"});
  while (client->transport().Ready().ok()) std::this_thread::yield();
  absl::Status status;
  const absl::Duration took = Took([&] {
    status = client
                 ->Call(1, {.timeout = absl::Minutes(1),
                            .when_down = WhenDown::kFail})
                 .status();
  });
  EXPECT_LT(took, absl::Seconds(1));
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_FALSE(MayHaveRun(status));
  Ctl({"start_app"});
}

TEST_F(RabbitMqRecovery, AtMostOnceIsNotDeliveredAgain) {
  const RabbitMqTopology topology = TutorialQueue(UniqueName("once"));
  auto options = Here<ProbeServer>(topology);
  options.transport.guarantee = DeliveryGuarantee::kAtMostOnce;
  options.server.workers = 2;
  Event running, release;
  TestServer<ProbeServer> server(
      options, Probe{[&](const ServerContext&, std::uint64_t n) {
        if (n == 1) {
          EXPECT_FALSE(running.IsSet()) << "it runs again";
          running.Set();
          release.Wait();
        }
        return n;
      }});
  auto client = ProbeClient::Open(Here<ProbeClient>(topology));
  ASSERT_TRUE(client.ok()) << client.status();
  auto held = client->CallFuture(1);
  ASSERT_TRUE(running.Wait());
  Ctl({"close_all_connections", "test"});
  const absl::Status status = std::move(held).Get().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  EXPECT_TRUE(MayHaveRun(status));
  ASSERT_TRUE(server.servings().WaitFor(2));
  // Behind it, if it were there.
  EXPECT_EQ(client->Call(2).value(), 2u);
  release.Set();
}

TEST_F(RabbitMqRecovery, CallsAreMadeAgainAcrossAnInterruption) {
  using Repeatable =
      Method<"probe", std::uint64_t(std::uint64_t), Idempotent::kYes>;
  using Client = RpcEndpoint<RabbitMqTransport, DecimalSerializer, Repeatable>;
  const RabbitMqTopology topology = TutorialQueue(UniqueName("again"));
  Event running, release;
  auto serving = Here<ProbeServer>(topology);
  serving.server.workers = 2;
  TestServer<ProbeServer> server(
      serving, Probe{[&](const ServerContext&, std::uint64_t n) {
        if (running.IsSet()) return n;
        running.Set();
        release.Wait();
        return n;
      }});
  auto options = Here<Client>(topology);
  options.retry.max_attempts = 5;
  auto client = Client::Open(options);
  ASSERT_TRUE(client.ok()) << client.status();
  auto future = client->CallFuture(1);
  ASSERT_TRUE(running.Wait());
  Ctl({"close_all_connections", "test"});
  EXPECT_EQ(std::move(future).Get().value(), 1u);
  EXPECT_GE(client->call_counters().retried, 1u);
  release.Set();
}

TEST_F(RabbitMqRecovery, CostsNoProcessorTimeWhileTheBrokerIsAway) {
  const RabbitMqTopology topology = TutorialQueue(UniqueName("idle"));
  TestServer<ProbeServer> server(Here<ProbeServer>(topology), kEcho);
  auto client = ProbeClient::Open(Here<ProbeClient>(topology));
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(client->Call(1).value(), 1u);
  Ctl({"stop_app"});
  const absl::Duration before = CpuTime();
  const absl::Status status =
      client->Call(2, {.timeout = absl::Seconds(2)}).status();
  const absl::Duration used = CpuTime() - before;
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
  EXPECT_FALSE(MayHaveRun(status));
  EXPECT_LT(used, absl::Milliseconds(200));
  Ctl({"start_app"});
  EXPECT_EQ(client->Call(3).value(), 3u);
}

TEST_F(RabbitMqRecovery, OperatorMayCloseConnections) {
  const RabbitMqTopology topology = TutorialQueue(UniqueName("forced"));
  TestServer<ProbeServer> server(Here<ProbeServer>(topology), kEcho);
  auto client = ProbeClient::Open(Here<ProbeClient>(topology));
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(client->Call(1).value(), 1u);
  Ctl({"close_all_connections", "maintenance"});
  EXPECT_TRUE(server.servings().WaitFor(2));
  EXPECT_EQ(client->Call(2).value(), 2u);
}

TEST_F(RabbitMqRecovery, DeletedReplyQueueIsMadeAnew) {
  const RabbitMqTopology topology = TutorialQueue(UniqueName("reply-queue"));
  Event running, release;
  TestServer<ProbeServer> server(
      Here<ProbeServer>(topology),
      Probe{[&](const ServerContext&, std::uint64_t n) {
        if (n == 1) {
          running.Set();
          release.Wait();
        }
        return n;
      }});
  auto options = Here<ProbeClient>(topology);
  options.transport.reply_queue_prefix = "rpc.reply.doomed.";
  auto client = ProbeClient::Open(options);
  ASSERT_TRUE(client.ok()) << client.status();
  absl::Status status;
  std::jthread held([&] { status = client->Call(1).status(); });
  ASSERT_TRUE(running.Wait());
  const std::string listed = Ctl({"--silent", "list_queues", "name"});
  const auto begin = listed.find("rpc.reply.doomed.");
  ASSERT_NE(begin, std::string::npos) << listed;
  const std::string name =
      listed.substr(begin, listed.find_first_of("\r\n", begin) - begin);
  // Only its own connection may delete it by AMQP.
  Ctl({"eval",
       "{ok, Q} = rabbit_amqqueue:lookup(rabbit_misc:r(<<\"/\">>, queue, <<\"" +
           name + "\">>)), rabbit_amqqueue:delete(Q, false, false, <<>>)."});
  held.join();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
  release.Set();
  EXPECT_EQ(client->Call(2).value(), 2u);
}

TEST_F(RabbitMqRecovery, BrokerIsToldNameAndHeartbeat) {
  auto options = Here<ProbeClient>(TutorialQueue("unused"));
  options.transport.connection_name = "the name of the test";
  options.transport.heartbeat = absl::Seconds(7);
  auto client = ProbeClient::Open(options);
  ASSERT_TRUE(client.ok()) << client.status();
  const std::string listed =
      Ctl({"--silent", "list_connections", "timeout", "client_properties"});
  EXPECT_NE(listed.find("the name of the test"), std::string::npos) << listed;
  EXPECT_NE(listed.find("7\t"), std::string::npos) << listed;
}

TEST_F(RabbitMqRecovery, ReferenceConsumerIsThatOfTheReferenceServer) {
  const auto consumers = [&](const std::string& name) {
    TestServer<ProbeServer> server(
        Here<ProbeServer>(ReferenceTopology(name, name)), kEcho);
    return Ctl({"--silent", "list_consumers", "queue_name", "consumer_tag",
                "ack_required", "prefetch_count", "--formatter", "csv"});
  };
  const std::string name = UniqueName("consumer");
  const std::string first = consumers(name);
  const std::string second = consumers(name);
  for (const std::string& listed : {first, second}) {
    EXPECT_NE(listed.find(name), std::string::npos) << listed;
    EXPECT_NE(listed.find("\"true\",\"1\""), std::string::npos) << listed;
  }
  EXPECT_NE(first, second) << "the consumer tag is fresh each time";
}

TEST_F(RabbitMqRecovery, CallsEndByTheirDeadlinesWhileTheBrokerIsFrozen) {
  const RabbitMqTopology topology = TutorialQueue(UniqueName("frozen"));
  TestServer<ProbeServer> server(Here<ProbeServer>(topology), kEcho);
  auto options = Here<ProbeClient>(topology);
  options.transport.max_waiting_bytes = 2000;
  auto client = ProbeClient::Open(options);
  ASSERT_TRUE(client.ok()) << client.status();
  Frozen frozen(broker_->pid());
  ASSERT_TRUE(frozen.status().ok()) << frozen.status();
  // The first waits for a reply queue; the next has a sooner deadline.
  Event first_is_over;
  client->CallAsync(1, {.timeout = absl::Seconds(4)},
                    [&](const absl::StatusOr<std::uint64_t>& result) {
                      EXPECT_EQ(result.status().code(),
                                absl::StatusCode::kDeadlineExceeded);
                      first_is_over.Set();
                    });
  // Once more when the I/O thread has gone to sleep until the first one's.
  for (int i = 0; i < 2; ++i) {
    absl::Status status;
    const absl::Duration took = Took([&] {
      status = client->Call(2, {.timeout = absl::Milliseconds(300)}).status();
    });
    EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
    EXPECT_FALSE(MayHaveRun(status));
    EXPECT_LT(took, absl::Seconds(1));
  }
  // What waits is bounded.
  Tally over;
  absl::Status refused;
  std::mutex mutex;
  constexpr int kCalls = 20;
  for (int i = 0; i < kCalls; ++i) {
    client->CallAsync(3, {.timeout = absl::Seconds(1)},
                      [&](const absl::StatusOr<std::uint64_t>& result) {
                        if (absl::IsResourceExhausted(result.status())) {
                          const std::lock_guard lock(mutex);
                          refused = result.status();
                        }
                        over.Add();
                      });
  }
  EXPECT_TRUE(over.WaitFor(kCalls));
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(MayHaveRun(refused));
  EXPECT_TRUE(first_is_over.Wait());
  frozen.Thaw();
  EXPECT_EQ(client->Call(4).value(), 4u);
}

TEST_F(RabbitMqRecovery, HeartbeatNoticesAFrozenBroker) {
  auto options = Here<ProbeServer>(TutorialQueue(UniqueName("heartbeat")));
  options.transport.heartbeat = absl::Seconds(1);
  TestServer<ProbeServer> server(options, kEcho);
  Frozen frozen(broker_->pid());
  ASSERT_TRUE(frozen.status().ok()) << frozen.status();
  const absl::Duration took =
      Took([&] { EXPECT_TRUE(server.interruptions().WaitFor(1)); });
  EXPECT_LT(took, absl::Seconds(4));
  frozen.Thaw();
  EXPECT_TRUE(server.servings().WaitFor(2));
}

TEST_F(RabbitMqRecovery, EndsInASecondWhileTheBrokerIsFrozen) {
  const RabbitMqTopology topology = TutorialQueue(UniqueName("end-frozen"));
  auto options = Here<ProbeServer>(topology);
  options.server.drain_timeout = absl::Milliseconds(200);
  std::optional<TestServer<ProbeServer>> server(std::in_place, options, kEcho);
  auto opened = ProbeClient::Open(Here<ProbeClient>(topology));
  ASSERT_TRUE(opened.ok()) << opened.status();
  std::optional<ProbeClient> client(*std::move(opened));
  EXPECT_EQ(client->Call(1).value(), 1u);
  const Frozen frozen(broker_->pid());
  ASSERT_TRUE(frozen.status().ok()) << frozen.status();
  absl::Status status;
  client->CallAsync(2, [&](const absl::StatusOr<std::uint64_t>& result) {
    status = result.status();
  });
  EXPECT_LT(Took([&] { client.reset(); }), absl::Seconds(1));
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
  EXPECT_LT(Took([&] { server->Stop().IgnoreError(); }), absl::Seconds(1));
  EXPECT_LT(Took([&] { server.reset(); }), absl::Seconds(1));
}

TEST_F(RabbitMqRecovery, AlarmHoldsCallsBackUntilTheirDeadlines) {
  const RabbitMqTopology topology = TutorialQueue(UniqueName("alarm"));
  TestServer<ProbeServer> server(Here<ProbeServer>(topology), kEcho);
  ConnectionEvents events;
  auto options = Here<ProbeClient>(topology);
  options.transport.on_connection = events.Hook();
  auto client = ProbeClient::Open(options);
  ASSERT_TRUE(client.ok()) << client.status();
  EXPECT_EQ(client->Call(1).value(), 1u);
  Ctl({"set_vm_memory_high_watermark", "0"});
  // The broker says so to the first that publishes.
  const absl::Status told =
      client->Call(2, {.timeout = absl::Milliseconds(300)}).status();
  EXPECT_EQ(told.code(), absl::StatusCode::kDeadlineExceeded) << told;
  const absl::Status held =
      client->Call(3, {.timeout = absl::Milliseconds(300)}).status();
  EXPECT_EQ(held.code(), absl::StatusCode::kDeadlineExceeded) << held;
  EXPECT_FALSE(MayHaveRun(held));
  EXPECT_TRUE(events.WaitFor(Kind::kBlocked).has_value());
  EXPECT_EQ(client->transport().counters().blocked, 1u);
  Ctl({"set_vm_memory_high_watermark", "0.4"});
  EXPECT_EQ(client->Call(4).value(), 4u);
  EXPECT_TRUE(events.WaitFor(Kind::kUnblocked).has_value());
}

TEST_F(RabbitMqRecovery, UserWithoutTheRightToPublishIsToldSo) {
  const RabbitMqTopology topology = TutorialQueue(UniqueName("rights"));
  TestServer<ProbeServer> server(Here<ProbeServer>(topology), kEcho);
  Ctl({"add_user", "reader", "secret-of-reader"});
  Ctl({"set_permissions", "reader", "^amq\\.gen-.*$", "^amq\\.gen-.*$", ".*"});
  auto options =
      At<ProbeClient>(topology, "amqp://reader:secret-of-reader@127.0.0.1:" +
                                    std::to_string(broker_->port()));
  auto client = ProbeClient::Open(options);
  ASSERT_TRUE(client.ok()) << client.status();
  const absl::Status status = client->Call(1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << status;
  EXPECT_EQ(ToStd(status.message()).find("secret"), std::string::npos);
  Ctl({"delete_user", "reader"});
}

}  // namespace
}  // namespace rpc::testing
