#include <csignal>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/endpoint.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/faults/marking_handler.h"
#include "tests/support/broker.h"
#include "tests/support/figure.h"
#include "tests/support/private_broker.h"
#include "tests/support/runfiles.h"
#include "tests/transport/rabbitmq_bench.h"
#include "tests/transport/rabbitmq_plain_client.h"

namespace rpc::testing {
namespace {

using Server =
    RpcEndpoint<RabbitMqTransport, DecimalSerializer, MarkingHandler>;
using Client =
    RpcEndpoint<RabbitMqTransport, DecimalSerializer, MarkingHandler::Method>;

// A broker that ends in good order while requests wait in a queue, and comes
// back.
class RedeliveryMark : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(broker_.ok()) << broker_.status(); }

  // Whether a server is told that another had its request before.
  bool IsToldAfterARestart(const RabbitMqTopology& topology) {
    Open(topology);
    for (std::uint64_t n = 1; n <= 3; ++n) CallAsync(n, [](std::uint64_t) {});
    AwaitDepth(topology.queue, 3);
    EXPECT_TRUE((*broker_)->Restart().ok());
    // Those three ended with their connection, whether they wait or not.
    EXPECT_TRUE(ended_.WaitFor(3));

    std::uint64_t value = 0;
    auto first = std::make_unique<PlainClient>((*broker_)->url());
    first->Consume(topology.queue);
    CallAsync(1000, [&](std::uint64_t result) { value = result; });
    while (first->Next(kPatience).value().body != "1000") {
    }
    first.reset();
    const TestServer<Server> server(
        Options<Server>(topology), MarkingHandler(NewTestDirectory() + "/log"));
    EXPECT_TRUE(ended_.WaitFor(4));
    EXPECT_EQ(value / 2, 1000u);
    return value % 2 == 1;
  }

 private:
  template <typename Endpoint>
  typename Endpoint::Options Options(const RabbitMqTopology& topology) const {
    typename Endpoint::Options options;
    options.transport.url = (*broker_)->url();
    options.transport.topology = topology;
    return options;
  }

  void Open(const RabbitMqTopology& topology) {
    PlainClient((*broker_)->url()).DeclareQueue(topology.queue);
    auto client = Client::Open(Options<Client>(topology));
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = std::make_unique<Client>(*std::move(client));
  }
  void CallAsync(std::uint64_t n, std::function<void(std::uint64_t)> told) {
    client_->CallAsync(n, {.timeout = absl::Minutes(1)},
                       [this, told = std::move(told)](
                           const absl::StatusOr<std::uint64_t>& value) {
                         told(value.value_or(0));
                         ended_.Add();
                       });
  }
  void AwaitDepth(const std::string& queue, std::uint32_t depth) {
    PlainClient plain((*broker_)->url());
    while (plain.Depth(queue) != depth) {
    }
  }

  const absl::StatusOr<std::unique_ptr<PrivateBroker>> broker_ =
      PrivateBroker::Start();
  Tally ended_;
  std::unique_ptr<Client> client_;
};

TEST_F(RedeliveryMark, OutlivesARestartWherePersistentRequestsWaited) {
  RabbitMqTopology topology = TutorialQueue(UniqueName("mark"));
  topology.delivery_mode = DeliveryMode::kPersistent;
  EXPECT_TRUE(IsToldAfterARestart(topology));
}

// What RabbitMqTopology::delivery_mode warns of, as long as RabbitMQ is so.
TEST_F(RedeliveryMark, IsLostByRabbitMqWhereTransientRequestsWaited) {
  const bool is_told = IsToldAfterARestart(TutorialQueue(UniqueName("mark")));
  RecordFigure(
      "redelivery told after an orderly restart with transient requests "
      "waiting",
      is_told ? "yes" : "no", "RabbitMQ's");
}

}  // namespace
}  // namespace rpc::testing
