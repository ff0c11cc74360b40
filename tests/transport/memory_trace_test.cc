#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "rpc/transport/memory_broker.h"
#include "rpc/transport/memory_transport.h"
#include "tests/laws/transport_world.h"
#include "tests/transport/trace.h"

namespace rpc::testing {
namespace {

struct World : laws::TransportWorld<MemoryTransport> {
  explicit World(MemoryBroker::Options options = {}) {
    client.broker = server.broker = std::make_shared<MemoryBroker>(options);
  }
};

TEST(MemoryTrace, IsThatOfAQueue) {
  World world;
  EXPECT_EQ(TraceQueue(world), R"(submit nobody's
  the client is told nobody's: UNAVAILABLE, not run
A serves, prefetch 1
submit one
  A is given one
submit two
submit three
B serves, prefetch 1
  B is given two
A answers one
  A is given three
  the client is told one: OK
B requeues two
  B is given two, redelivered
submit four
A requeues three
  A is given three, redelivered
B rejects two
  B is given four
A drops three
  the client is told three: INTERNAL
submit five
  A is given five
C serves, prefetch 1
A dies
  C is given five, redelivered
submit six
submit seven
B stops
B answers four
  the client is told four: OK
C answers five
  C is given six
  the client is told five: OK
C answers six
  C is given seven
  the client is told six: OK
submit short
submit eight
submit short too
submit and refuse to claim an alarm
wait for 3 deadlines
C answers seven
  C is given eight
  the client is told seven: OK
C answers eight
  the client is told eight: OUT_OF_RANGE, not run
submit nine
  C is given nine
C dies
D serves, prefetch 2
  D is given nine, redelivered
submit and refuse to claim ten
submit eleven
  D is given eleven
submit twelve
D requeues eleven
  D is given eleven, redelivered
D requeues nine
  D is given nine, redelivered
D acks nine
  D is given twelve
D answers twelve
  the client is told twelve: OK
D answers eleven
  the client is told eleven: OK
)");
}

TEST(MemoryTrace, CountsDeliveriesWhereTheQueueDoes) {
  World world({.queue = {.counts_deliveries = true}});
  EXPECT_EQ(TraceCountedDeliveries(world), R"(A serves, prefetch 1
submit poison
  A is given poison
A requeues poison
  A is given poison, redelivered, 1 before
A requeues poison
  A is given poison, redelivered, 2 before
A dies
B serves, prefetch 1
  B is given poison, redelivered, 3 before
B answers poison
  the client is told poison: OK
)");
}

}  // namespace
}  // namespace rpc::testing
