#include <memory>
#include <utility>

#include "gtest/gtest.h"
#include "rpc/transport/memory_broker.h"
#include "rpc/transport/memory_transport.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/laws/transport_world.h"
#include "tests/support/broker.h"
#include "tests/transport/trace.h"

namespace rpc::testing {
namespace {

struct MemoryWorld : laws::TransportWorld<MemoryTransport> {
  explicit MemoryWorld(MemoryQueueOptions queue = {}) {
    client.broker = server.broker = std::make_shared<MemoryBroker>();
    server.queue_options = queue;
  }
};

struct RabbitMqWorld : laws::TransportWorld<RabbitMqTransport> {
  explicit RabbitMqWorld(RabbitMqTopology topology) {
    client.url = server.url = BrokerUrl();
    client.topology = server.topology = std::move(topology);
  }
};

TEST(RabbitMqTrace, IsThatOfMemory) {
  MemoryWorld memory;
  RabbitMqWorld rabbitmq(TutorialQueue(UniqueName("trace")));
  EXPECT_EQ(TraceQueue(rabbitmq), TraceQueue(memory));
}

TEST(RabbitMqTrace, IsThatOfMemoryWhereDeliveriesAreCounted) {
  MemoryWorld memory({.counts_deliveries = true});
  RabbitMqWorld rabbitmq(QuorumQueue(UniqueName("trace")));
  EXPECT_EQ(TraceCountedDeliveries(rabbitmq), TraceCountedDeliveries(memory));
}

}  // namespace
}  // namespace rpc::testing
