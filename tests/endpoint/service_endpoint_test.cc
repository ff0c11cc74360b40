#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rpc/endpoint.h"
#include "rpc/handler/service.h"
#include "rpc/transport/direct_transport.h"
#include "tests/core/handling.h"
#include "tests/endpoint/held_server.h"
#include "tests/endpoint/memory_world.h"
#include "tests/endpoint/outcomes.h"

namespace rpc::testing {
namespace {

using ::testing::HasSubstr;

struct Adding {
  using Method = Add;
  std::int64_t operator()(std::int64_t a, std::int64_t b) const {
    return a + b;
  }
};
struct Shouting {
  using Method = Echo;
  std::string operator()(const ServerContext& context,
                         const std::string& text) const {
    return std::string(context.method) + " " + text + "!";
  }
};
using Both = Service<Adding, Shouting>;
using BothMethods = Service<Add, Echo>;

TEST(ServiceEndpoint, ServesEachMethodByItsName) {
  MemoryWorld world;
  const auto server = world.Serve(Both());
  auto client = world.Connect<BothMethods>();
  EXPECT_EQ(client.Stub<"add">().Call(2, 3).value(), 5);
  EXPECT_EQ(client.Stub<"echo">().Call("hello").value(), "echo hello!");
  EXPECT_EQ(client.StubOf<Add>().Call(4, 5).value(), 9);
}

TEST(ServiceEndpoint, TakesOptionsAndCallbacksForEachMethod) {
  MemoryWorld world;
  Outcomes outcomes;
  const auto server = world.Serve(Both());
  auto client = world.Connect<BothMethods>();
  const auto add = client.Stub<"add">();
  EXPECT_FALSE(add.Call(2, 3, {.timeout = absl::ZeroDuration()}).ok());
  add.CallAsync(2, 3, outcomes.Of(1));
  add.CallAsync(2, 3, {.timeout = absl::ZeroDuration()}, outcomes.Of(2));
  ASSERT_TRUE(outcomes.WaitFor(2));
  EXPECT_EQ(outcomes.Only(1).value(), 5);
  EXPECT_EQ(outcomes.Code(2), absl::StatusCode::kDeadlineExceeded);
}

TEST(ServiceEndpoint, CallsItsOwnMethodsWithoutATransport) {
  using Local = RpcEndpoint<DirectTransport, ListSerializer, Both>;
  auto endpoint = Local::Open();
  ASSERT_TRUE(endpoint.ok());
  EXPECT_EQ(endpoint->Stub<"add">().Call(2, 3).value(), 5);
  EXPECT_EQ(endpoint->Stub<"echo">().Call("hello").value(), "echo hello!");
}

TEST(ServiceEndpoint, AnswersAMethodThatItHasNot) {
  MemoryWorld world;
  const auto server = world.Serve(Both());
  auto client = world.Connect<Service<Ping, Add>>();
  const absl::Status status = client.Stub<"ping">().Call();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_FALSE(MayHaveRun(status));
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("no method \"ping\"; this server has add, echo"));
  EXPECT_EQ(client.Stub<"add">().Call(1, 1).value(), 2);
}

TEST(ServiceEndpoint, AnswersARequestThatNamesNoMethod) {
  MemoryWorld world;
  const auto server = world.Serve(Both());
  // The only method of its queue, for all that this client knows.
  const absl::Status status = world.Connect<Echo>().Call("x").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(status.message()), HasSubstr("names no method"));
}

TEST(ServiceEndpoint, AServerOfOneMethodAnswersOthers) {
  MemoryWorld world;
  const auto server = world.Serve(Adding());
  auto client = world.Connect<BothMethods>();
  EXPECT_EQ(client.Stub<"add">().Call(1, 2).value(), 3);
  EXPECT_EQ(client.Stub<"echo">().Call("x").status().code(),
            absl::StatusCode::kUnimplemented);
}

struct Held {
  using Method = rpc::Method<"held", std::int64_t(std::int64_t)>;
  std::int64_t operator()(std::int64_t n) const { return hold(n); }
  Hold hold;
};

TEST(ServiceEndpoint, OnlyTheLimitedMethodIsLimited) {
  MemoryWorld world;
  const Hold hold;
  const auto server = world.Serve(
      Service(Held{hold}, Handle<Double>([](std::int64_t n) { return n; })),
      {.server = {.workers = 4, .max_concurrent = {{"held", 1}}}});
  auto client = world.Connect<Service<Held::Method, Double>>();
  Outcomes outcomes;
  client.Stub<"held">().CallAsync(0, outcomes.Of(0));
  ASSERT_TRUE(hold.gates->entered.Wait());
  EXPECT_EQ(client.Stub<"held">().Call(1).status().code(),
            absl::StatusCode::kResourceExhausted);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(client.Stub<"double">().Call(i).value(), i);
  }
  hold.gates->leave.Open();
  EXPECT_TRUE(outcomes.WaitFor(1));
}

}  // namespace
}  // namespace rpc::testing
