#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "rpc/rpc.h"
#include "rpc/serializer/json_serializer.h"
#include "tests/laws/handler_laws.h"
#include "tests/laws/serializer_laws.h"
#include "tests/laws/transport_laws.h"

// The examples in the comments of tests/laws, as they stand there: docs_test
// compares them.

struct Double {
  using Method = rpc::Method<"double", int(int)>;
  int operator()(int x) const { return 2 * x; }
};

struct DoubleCase {
  using Handler = Double;
  static Handler Make() { return Double(); }
  static std::vector<std::tuple<int>> Arguments() { return {{0}, {-7}}; }
};

namespace rpc::laws {
INSTANTIATE_TYPED_TEST_SUITE_P(Double, HandlerLaws, DoubleCase);
}

struct Point {
  int x;
  int y;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Point, x, y)

using PointSerializer = rpc::JsonSerializer;

struct PointCase {
  using Serializer = PointSerializer;
  using Value = Point;
  static std::vector<Point> Values() { return {{0, 0}, {-1, 7}}; }
  // Optional. If absent, values are compared with ==.
  static bool Same(const Point& a, const Point& b);
};

bool PointCase::Same(const Point& a, const Point& b) {
  return a.x == b.x && a.y == b.y;
}

namespace rpc::laws {
INSTANTIATE_TYPED_TEST_SUITE_P(Point, SerializerLaws, PointCase);
}

namespace rpc::laws {
struct MemoryWorld : TransportWorld<MemoryTransport> {
  MemoryWorld() {
    client.broker = server.broker = std::make_shared<MemoryBroker>();
  }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, TransportLaws, MemoryWorld);
}  // namespace rpc::laws

namespace rpc::laws {

INSTANTIATE_TYPED_TEST_SUITE_P(Direct, TransportLaws,
                               TransportWorld<DirectTransport>);

struct WorldThatKills : MemoryWorld {
  void KillServer(std::unique_ptr<Transport> server);
  int kills = 0;
};

void WorldThatKills::KillServer(std::unique_ptr<Transport> victim) {
  victim.reset();
  ++kills;
}

TEST(LawDoors, KillServerIsHowAServerDies) {
  WorldThatKills world;
  EXPECT_TRUE(Redelivers(world).ok());
  EXPECT_GT(world.kills, 0);
}

}  // namespace rpc::laws
