#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "examples/own_handler.h"
#include "examples/own_serializer.h"
#include "examples/own_transport.h"
#include "gtest/gtest.h"
#include "tests/laws/handler_laws.h"
#include "tests/laws/serializer_laws.h"
#include "tests/laws/transport_laws.h"

// The policies of examples/ keep the laws that the library's own keep.
namespace rpc::laws {
namespace {

struct LoopWorld : TransportWorld<examples::LoopTransport> {
  LoopWorld() {
    client.meeting = server.meeting =
        std::make_shared<examples::LoopTransport::Meeting>();
  }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Loop, TransportLaws, LoopWorld);

template <typename Integer>
struct BigEndianCase {
  using Serializer = examples::BigEndianSerializer;
  using Value = Integer;
  static std::vector<Integer> Values() {
    using Limits = std::numeric_limits<Integer>;
    return {0, 1, static_cast<Integer>(-1), Limits::min(), Limits::max()};
  }
};
using BigEndianCases =
    ::testing::Types<BigEndianCase<std::int64_t>, BigEndianCase<std::uint64_t>,
                     BigEndianCase<std::int32_t>, BigEndianCase<std::uint8_t>>;
INSTANTIATE_TYPED_TEST_SUITE_P(BigEndian, SerializerLaws, BigEndianCases);

struct DepositCase {
  using Handler = examples::Deposit;
  static Handler Make() { return Handler(); }
  static std::vector<std::tuple<std::string, std::string, std::int64_t>>
  Arguments() {
    return {
        {"a", "ada", 100}, {"b", "ada", 20}, {"c", "bob", 7}, {"d", "", -5}};
  }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Deposit, HandlerLaws, DepositCase);

}  // namespace
}  // namespace rpc::laws
