#include <memory>

#include "gtest/gtest.h"
#include "rpc/transport/direct_transport.h"
#include "rpc/transport/memory_broker.h"
#include "rpc/transport/memory_transport.h"
#include "tests/laws/transport_laws.h"

namespace rpc::laws {
namespace {

struct MemoryWorld : TransportWorld<MemoryTransport> {
  MemoryWorld() {
    client.broker = server.broker = std::make_shared<MemoryBroker>();
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, TransportLaws, MemoryWorld);
INSTANTIATE_TYPED_TEST_SUITE_P(Direct, TransportLaws,
                               TransportWorld<DirectTransport>);

}  // namespace
}  // namespace rpc::laws
