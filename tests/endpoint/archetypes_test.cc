#include "tests/core/archetypes.h"

#include <concepts>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "rpc/endpoint.h"
#include "rpc/handler/service.h"
#include "tests/core/gate.h"
#include "tests/endpoint/least_transports.h"

namespace rpc::archetypes {
namespace {

using ::rpc::testing::Gate;

static_assert(!std::default_initializable<Parcel>);
static_assert(!std::copyable<Parcel> && !std::movable<Parcel>);
static_assert(!std::equality_comparable<Parcel>);
static_assert(!std::default_initializable<PassOn>);
static_assert(!std::copyable<PassOn> && !std::movable<PassOn>);
static_assert(!std::default_initializable<LeastSerializer>);
static_assert(!std::copyable<LeastSerializer>);
static_assert(!std::copyable<LeastSameThreadTransport>);
static_assert(!std::move_constructible<LeastTransport>);

// An endpoint that serves itself, if its transport wants that.
template <typename Transport, typename Serializer, typename Handler>
class Served {
 public:
  using Endpoint = RpcEndpoint<Transport, Serializer, Handler>;

  Served()
      : endpoint_(*Endpoint::Open({}, Handler(Made()), Serializer(Made()))) {
    if constexpr (!SameThread<Transport>) {
      serving_.emplace(*endpoint_.ServeInBackground());
    }
  }

  Endpoint* operator->() { return &endpoint_; }

 private:
  Endpoint endpoint_;
  std::optional<ServingThread> serving_;
};

template <typename T, typename S>
struct Policies {
  using Transport = T;
  using Serializer = S;
};

template <typename P>
class Archetypes : public ::testing::Test {
 protected:
  template <typename Handler>
  using ServedBy =
      Served<typename P::Transport, typename P::Serializer, Handler>;
};
using AllPolicies =
    ::testing::Types<Policies<LeastSameThreadTransport, LeastSerializer>,
                     Policies<LeastSameThreadTransport, LeastStatusSerializer>,
                     Policies<LeastTransport, LeastSerializer>,
                     Policies<LeastTransport, LeastStatusSerializer>>;
TYPED_TEST_SUITE(Archetypes, AllPolicies);

TYPED_TEST(Archetypes, TakeAValueAndReturnOne) {
  typename TestFixture::template ServedBy<PassOn> endpoint;
  absl::StatusOr<Parcel> parcel = endpoint->Call(Parcel("book"));
  ASSERT_TRUE(parcel.ok()) << parcel.status();
  EXPECT_EQ(parcel->content(), "book");
}

TYPED_TEST(Archetypes, CallBack) {
  typename TestFixture::template ServedBy<PassOn> endpoint;
  Gate called;
  endpoint->CallAsync(Parcel("book"), [&](absl::StatusOr<Parcel> parcel) {
    EXPECT_EQ(parcel->content(), "book");
    called.Open();
  });
  EXPECT_TRUE(called.Wait());
}

TYPED_TEST(Archetypes, TakeTheContextAndReturnAStatusOr) {
  typename TestFixture::template ServedBy<PassOnInContext> endpoint;
  absl::StatusOr<Parcel> parcel = endpoint->Call(Parcel("book"));
  ASSERT_TRUE(parcel.ok()) << parcel.status();
  EXPECT_TRUE(parcel->content().ends_with(" book"));
}

TYPED_TEST(Archetypes, TakeNothingAndReturnAnOutcome) {
  typename TestFixture::template ServedBy<Give> endpoint;
  EXPECT_EQ(endpoint->Call()->content(), "given");
}

TYPED_TEST(Archetypes, ReturnNothingButAStatus) {
  typename TestFixture::template ServedBy<Swallow> endpoint;
  absl::Status status = endpoint->Call(Parcel("good"));
  EXPECT_TRUE(status.ok()) << status;
  status = endpoint->Call(Parcel("bad"));
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
}

TYPED_TEST(Archetypes, TakeAndReturnNothing) {
  typename TestFixture::template ServedBy<Touch> endpoint;
  EXPECT_TRUE(endpoint->Call().ok());
  typename TestFixture::template ServedBy<TouchInContext> in_context;
  EXPECT_TRUE(in_context->Call().ok());
}

TYPED_TEST(Archetypes, FormAService) {
  using Both = Service<PassOn, Swallow>;
  using Endpoint = RpcEndpoint<typename TypeParam::Transport,
                               typename TypeParam::Serializer, Both>;
  auto endpoint = Endpoint::Open({}, Both(PassOn(Made()), Swallow(Made())),
                                 typename TypeParam::Serializer(Made()));
  ASSERT_TRUE(endpoint.ok());
  std::optional<ServingThread> serving;
  if constexpr (!SameThread<typename TypeParam::Transport>) {
    serving.emplace(*endpoint->ServeInBackground());
  }
  EXPECT_EQ(endpoint->template Stub<"pass_on">().Call(Parcel("x"))->content(),
            "x");
  EXPECT_TRUE(endpoint->template Stub<"swallow">().Call(Parcel("x")).ok());
}

TEST(ClientArchetypes, AMethodIsEnoughForAClient) {
  using Client = RpcEndpoint<LeastTransport, LeastSerializer, PassOn::Method>;
  auto client = Client::Open({}, {}, LeastSerializer(Made()));
  ASSERT_TRUE(client.ok());
  const absl::Status status = client->Call(Parcel("book")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(MayHaveRun(status));
}

}  // namespace
}  // namespace rpc::archetypes
