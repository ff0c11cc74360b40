#include <unistd.h>

#include <atomic>
#include <string>

#include "gtest/gtest.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/laws/transport_laws.h"
#include "tests/support/broker.h"

namespace rpc::laws {
namespace {

// A queue of its own at the broker that all tests share.
struct RabbitMqWorld : TransportWorld<RabbitMqTransport> {
  RabbitMqWorld() {
    static std::atomic<int> made = 0;
    client.url = server.url = testing::BrokerUrl();
    client.topology = server.topology =
        TutorialQueue("transport-laws." + std::to_string(getpid()) + "." +
                      std::to_string(made++));
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(RabbitMq, TransportLaws, RabbitMqWorld);

}  // namespace
}  // namespace rpc::laws
