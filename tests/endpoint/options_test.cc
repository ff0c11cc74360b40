#include <chrono>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"
#include "rpc/endpoint.h"
#include "tests/core/handling.h"
#include "tests/endpoint/least_transports.h"

namespace rpc::testing {
namespace {

// Says until when it may take to open, which it refuses.
template <typename Base>
class Refusing final : public Base {
 public:
  struct Options {
    Deadline* open_by = nullptr;
  };

  explicit Refusing(Options options) : Base({}), options_(options) {}

  absl::Status Open(Deadline deadline) {
    *options_.open_by = deadline;
    return absl::UnavailableError("nobody is there");
  }

 private:
  const Options options_;
};

template <typename Transport>
class EndpointOptionsTest : public ::testing::Test {};
using Transports =
    ::testing::Types<Refusing<archetypes::LeastSameThreadTransport>,
                     Refusing<archetypes::LeastTransport>>;
TYPED_TEST_SUITE(EndpointOptionsTest, Transports);

struct Same {
  using Method = Double;
  std::int64_t operator()(std::int64_t n) const { return n; }
};

TYPED_TEST(EndpointOptionsTest, OpenTimeoutBoundsOpen) {
  using Endpoint = RpcEndpoint<TypeParam, ListSerializer, Same>;
  Deadline open_by;
  const TimePoint begin = Clock::now();
  EXPECT_EQ(Endpoint::Open({.transport = {.open_by = &open_by}}).status(),
            absl::UnavailableError("nobody is there"));
  EXPECT_GE(open_by, Deadline(begin + std::chrono::seconds(10)));
  EXPECT_LT(open_by, Deadline(begin + std::chrono::seconds(20)));
  EXPECT_FALSE(Endpoint::Open({.transport = {.open_by = &open_by},
                               .open_timeout = absl::Hours(1)})
                   .ok());
  EXPECT_GE(open_by, Deadline(begin + std::chrono::hours(1)));
  EXPECT_LT(open_by, Deadline(begin + std::chrono::hours(2)));
}

}  // namespace
}  // namespace rpc::testing
