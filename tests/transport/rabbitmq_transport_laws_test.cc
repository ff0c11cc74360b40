#include "gtest/gtest.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/laws/transport_laws.h"
#include "tests/support/broker.h"

namespace rpc::laws {
namespace {

// A queue of its own at the broker that all tests share.
struct RabbitMqWorld : TransportWorld<RabbitMqTransport> {
  RabbitMqWorld() {
    client.url = server.url = testing::BrokerUrl();
    client.topology = server.topology =
        TutorialQueue(testing::UniqueName("transport-laws"));
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(RabbitMq, TransportLaws, RabbitMqWorld);

}  // namespace
}  // namespace rpc::laws
