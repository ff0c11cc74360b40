#include <signal.h>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"
#include "rpc/transport/rabbitmq_topology.h"
#include "tests/faults/fault_matrix.h"
#include "tests/faults/faulty_world.h"
#include "tests/support/fault_proxy.h"
#include "tests/support/freeze.h"
#include "tests/support/private_broker.h"
#include "tests/transport/rabbitmq_plain_client.h"

namespace rpc::testing {
namespace {

using absl::StatusCode;

// One node for all. The last test kills it, and has another take its place.
class FaultMatrixBroker : public FaultMatrix {
 protected:
  static void SetUpTestSuite() {
    auto successor =
        std::async(std::launch::async, [] { return PrivateBroker::Start(); });
    auto started = PrivateBroker::Start({.config = "consumer_timeout = 3000"});
    ASSERT_TRUE(started.ok()) << started.status();
    broker_ = started->release();
    auto other = successor.get();
    ASSERT_TRUE(other.ok()) << other.status();
    successor_ = other->release();
    // How often a channel looks for the timeout of its consumers, in ms.
    Ctl({"eval", "application:set_env(rabbit, channel_tick_interval, 500)."});
  }
  static void TearDownTestSuite() {
    delete std::exchange(broker_, nullptr);
    delete std::exchange(successor_, nullptr);
    FaultMatrix::TearDownTestSuite();
  }

  static void Ctl(const std::vector<std::string>& arguments) {
    const absl::StatusOr<std::string> output = broker_->Ctl(arguments);
    EXPECT_TRUE(output.ok()) << output.status();
  }

  static FaultyWorld::Setting Here(Behind behind = Behind::kBoth) {
    return {.broker_port = broker_->port(), .behind = behind};
  }

  static PrivateBroker* broker_;
  static PrivateBroker* successor_;
};
PrivateBroker* FaultMatrixBroker::broker_ = nullptr;
PrivateBroker* FaultMatrixBroker::successor_ = nullptr;

TEST_F(FaultMatrixBroker, Row13And14AlarmAndItsEnd) {
  FaultyWorld world(Here());
  const int connections = world.proxy().accepted();
  MatrixRow first(13, "alarm, first call",
                  {.code = StatusCode::kDeadlineExceeded});
  MatrixRow next(13, "alarm, next call",
                 {.code = StatusCode::kDeadlineExceeded, .ran = Ran::kNo});
  MatrixRow lifted(14, "alarm lifted, call waits for it",
                   {.timeout = absl::Seconds(20)});
  Ctl({"set_vm_memory_high_watermark", "0"});
  // The broker says so to who publishes.
  first.Call(world.client(), "read later");
  next.Call(world.client(), "not sent");
  lifted.Call(world.client(), "waits", [&] {
    Ctl({"set_vm_memory_high_watermark", "0.4"});
  });
  for (MatrixRow* row : {&first, &next, &lifted}) {
    row->Recovers(world.client(), "again");
    row->Check(world.proxy().accepted() == connections,
               "the connections were not kept");
  }
}

TEST_F(FaultMatrixBroker, Row15BrokerIsFrozen) {
  FaultyWorld world(Here());
  MatrixRow row(15, "broker frozen for longer than 2 heartbeats",
                {.code = StatusCode::kDeadlineExceeded});
  MatrixRow next(15, "broker frozen, connection given up",
                 {.code = StatusCode::kDeadlineExceeded, .ran = Ran::kNo});
  Frozen frozen(broker_->pid());
  ASSERT_TRUE(frozen.status().ok()) << frozen.status();
  row.Call(world.client(), "sent");
  Event noticed;
  world.client().CallAsync("sent", [&](const auto&) { noticed.Set(); });
  row.Check(noticed.Wait(absl::Seconds(2)),
            "not noticed within 2 heartbeats and a second");
  next.Call(world.client(), "not sent");
  frozen.Thaw();
  row.Recovers(world.client(), "again");
  next.Recovers(world.client(), "again");
}

TEST_F(FaultMatrixBroker, Row17OperatorClosesConnections) {
  FaultyWorld world(Here(Behind::kClient));
  MatrixRow row(
      17, "connections closed by the operator",
      {.code = StatusCode::kUnavailable, .timeout = absl::Seconds(10)});
  row.Call(world.client(), "hold", [&] {
    EXPECT_TRUE(world.handler().AwaitHeld());
    Ctl({"close_all_connections", "maintenance"});
    world.handler().Release();
  });
  row.Recovers(world.client(), "again");
}

TEST_F(FaultMatrixBroker, Row18QueueIsDeletedUnderTheConsumer) {
  FaultyWorld world(Here(Behind::kNobody));
  MatrixRow row(18, "queue deleted under the consumer",
                {.timeout = absl::Seconds(5)});
  row.Call(world.client(), "hold", [&] {
    EXPECT_TRUE(world.handler().AwaitHeld());
    PlainClient(broker_->url()).DeleteQueue(world.queue());
    row.Check(world.server().servings().WaitFor(2, absl::Seconds(1)),
              "was not declared again");
    world.handler().Release();
  });
  row.Recovers(world.client(), "again");
  row.Check(world.server().interruptions().count() == 1, "was not counted");
}

TEST_F(FaultMatrixBroker, Row19MissingQueue) {
  FaultyWorld::Setting setting = Here(Behind::kNobody);
  setting.with_server = FaultyWorld::Setting::Server::kNo;
  FaultyWorld world(setting);
  MatrixRow row(19, "missing queue",
                {.code = StatusCode::kUnavailable, .ran = Ran::kNo});
  row.Call(world.client(), "returned");
  world.StartServer();
  row.Recovers(world.client(), "again");
}

TEST_F(FaultMatrixBroker, Row20MissingExchange) {
  FaultyWorld::Setting setting = Here();
  const std::string name = UniqueName("exchange");
  setting.topology = ReferenceTopology(name, name);
  setting.with_server = FaultyWorld::Setting::Server::kNo;
  FaultyWorld world(setting);
  MatrixRow row(20, "missing exchange",
                {.code = StatusCode::kUnavailable, .ran = Ran::kNo});
  row.Call(world.client(), "not sent");
  world.StartServer();
  row.Recovers(world.client(), "again");
}

TEST_F(FaultMatrixBroker, Row20ExchangeIsDeleted) {
  FaultyWorld::Setting setting = Here();
  const std::string name = UniqueName("exchange");
  setting.topology = ReferenceTopology(name, name);
  FaultyWorld world(setting);
  MatrixRow row(20, "exchange deleted", {.code = StatusCode::kUnavailable});
  const int connections = world.proxy().accepted();
  PlainClient plain(broker_->url());
  amqp_exchange_delete(plain.connection(), 1, amqp::ToAmqp(name), 0);
  row.Call(world.client(), "lost");
  world.StartServer();
  row.Recovers(world.client(), "again");
  row.Check(world.proxy().accepted() == connections + 1,
            "the client's connection was not kept");
}

TEST_F(FaultMatrixBroker, Row21BodyOverTheLimit) {
  FaultyWorld world(Here());
  const int connections = world.proxy().accepted();
  // The serializer takes most of the time, in a build that is not optimized.
  MatrixRow row(21, "body over the client's limit of 4 MiB",
                {.code = StatusCode::kResourceExhausted,
                 .ran = Ran::kNo,
                 .timeout = absl::Seconds(5)});
  row.Call(world.client(), std::string(std::size_t{5} << 20, 'x'));
  row.Recovers(world.client(), "again");
  row.Check(world.proxy().accepted() == connections, "was not kept");
}

// A queue that rejects what is published while one message waits in it, and
// one waits in it: the server's only worker is busy.
class FullQueue {
 public:
  FullQueue(FaultyWorld::Setting setting, amqp::Confirms confirms)
      : world_(Narrow(std::move(setting), confirms)) {
    const auto end = [this](const auto&) { ended_.Add(); };
    world_.client().CallAsync("hold", end);
    EXPECT_TRUE(world_.handler().AwaitHeld());
    world_.client().CallAsync("queued", end);
  }
  FaultyWorld& world() { return world_; }
  void Drain() {
    world_.handler().Release();
    EXPECT_TRUE(ended_.WaitFor(2));
  }

 private:
  static FaultyWorld::Setting Narrow(FaultyWorld::Setting setting,
                                     amqp::Confirms confirms) {
    setting.topology = TutorialQueue(UniqueName("full"));
    setting.topology->confirms = confirms;
    setting.topology->declared.queues.front().arguments = {
        {"x-max-length", std::int64_t{1}},
        {"x-overflow", std::string("reject-publish")}};
    setting.server.workers = 1;
    setting.server.prefetch = 1;
    return setting;
  }

  Tally ended_;
  FaultyWorld world_;
};

TEST_F(FaultMatrixBroker, Row22QueueIsFullWithConfirms) {
  FullQueue full(Here(Behind::kNobody), amqp::Confirms::kOn);
  MatrixRow row(22, "queue full, confirms",
                {.code = StatusCode::kResourceExhausted,
                 .ran = Ran::kNo,
                 .timeout = absl::Seconds(20)});
  const absl::Duration took =
      Took([&] { row.Call(full.world().client(), "hold this, too"); });
  row.Check(took <= absl::Milliseconds(100) + row.stall(), "not at once");
  full.Drain();
  row.Recovers(full.world().client(), "again");
  row.Check(full.world().handler().held() == 1, "it was run");
}

// It is a silent one.
TEST_F(FaultMatrixBroker, Row22QueueIsFullWithoutConfirms) {
  FullQueue full(Here(Behind::kNobody), amqp::Confirms::kOff);
  MatrixRow row(22, "queue full, no confirms",
                {.code = StatusCode::kDeadlineExceeded});
  row.Call(full.world().client(), "rejected");
  full.Drain();
  row.Recovers(full.world().client(), "again");
}

TEST_F(FaultMatrixBroker, Row23HandlerIsSlowerThanTheConsumerTimeout) {
  FaultyWorld world(Here());
  const int connections = world.proxy().accepted();
  MatrixRow row(
      23, "handler slower than consumer_timeout of 3 s",
      {.code = StatusCode::kDeadlineExceeded, .timeout = absl::Seconds(2)});
  row.Call(world.client(), "hold");
  row.Check(world.server().servings().WaitFor(2, absl::Seconds(10)),
            "the channel was not opened again");
  world.handler().Release();
  row.Recovers(world.client(), "again");
  row.Check(world.handler().held() == 1, "expired work was run");
  row.Check(world.proxy().accepted() == connections, "was not kept");
}

TEST_F(FaultMatrixBroker, Row24PoisonKillsItsServers) {
  FaultyWorld::Setting setting = Here(Behind::kServer);
  setting.topology = QuorumQueue(UniqueName("poison"), 3);
  setting.server.workers = 8;
  FaultyWorld world(setting);
  MatrixRow row(24, "poison, delivery limit 3",
                {.code = StatusCode::kAborted, .timeout = absl::Seconds(20)});
  row.Call(world.client(), "hold", [&] {
    for (int deaths = 1; deaths <= 3; ++deaths) {
      EXPECT_TRUE(world.handler().AwaitHeld(deaths));
      world.proxy().CutAll(Cut::kReset);
    }
  });
  row.Check(world.handler().held() == 3, "was run too often");
  world.handler().Release();
  row.Recovers(world.client(), "again");
  PlainClient plain(broker_->url());
  plain.Consume(world.queue() + ".dead");
  row.Check(plain.Next(absl::Seconds(5)).has_value(), "was not dead-lettered");
}

TEST_F(FaultMatrixBroker, Row16BrokerIsKilled) {
  FaultyWorld world(Here());
  MatrixRow row(
      16, "broker killed, another on its port",
      {.code = StatusCode::kUnavailable, .timeout = absl::Seconds(20)});
  MatrixRow meanwhile(16, "no broker",
                      {.code = StatusCode::kDeadlineExceeded, .ran = Ran::kNo});
  row.Call(world.client(), "hold", [&] {
    EXPECT_TRUE(world.handler().AwaitHeld());
    kill(broker_->pid(), SIGKILL);
  });
  meanwhile.Call(world.client(), "not sent");
  world.handler().Release();
  const TimePoint from = Clock::now();
  world.proxy().SetTarget(successor_->port());
  row.Recovers(world.client(), "again", from);
  meanwhile.Recovers(world.client(), "again");
}

}  // namespace
}  // namespace rpc::testing
