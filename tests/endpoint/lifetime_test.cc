#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/endpoint.h"
#include "tests/core/gate.h"
#include "tests/core/handling.h"
#include "tests/endpoint/held_server.h"
#include "tests/endpoint/least_transports.h"
#include "tests/endpoint/memory_world.h"
#include "tests/endpoint/outcomes.h"

namespace rpc::testing {
namespace {

using Result = absl::StatusOr<std::int64_t>;
using Client = MemoryEndpoint<Double>;

TEST(Lifetime, TheDestructorEndsPendingCallsInTime) {
  constexpr int kCalls = 1000;
  MemoryWorld world;
  Outcomes outcomes;
  HeldServer server(world);
  std::optional<Client> client = world.Connect<Double>();
  for (int i = 0; i < kCalls; ++i) client->CallAsync(i, outcomes.Of(i));
  ASSERT_TRUE(server.WaitForCall());
  const TimePoint begin = Clock::now();
  client.reset();
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(1));
  ASSERT_EQ(outcomes.count(), static_cast<std::size_t>(kCalls));
  for (int i = 0; i < kCalls; ++i) {
    ASSERT_EQ(outcomes.Code(i), absl::StatusCode::kCancelled);
    ASSERT_TRUE(MayHaveRun(outcomes.Only(i).status()));
  }
}

TEST(Lifetime, TheDestructorRunsTheCallbacksOfCallsThatAreOver) {
  MemoryWorld world;
  Outcomes outcomes;
  const auto server = world.Serve(Doubling(), {.server = {.workers = 0}});
  std::optional<Client> client = world.Connect<Double>();
  // From the first answer on, a call is over when CallAsync() returns: it was
  // served on this thread.
  ASSERT_TRUE(client->Call(0).ok());
  Gate go_on;
  client->CallAsync(0, [&](const Result&) { go_on.Wait(); });
  for (int i = 0; i < 10; ++i) client->CallAsync(i, outcomes.Of(i));
  std::jthread destroyer([&] { client.reset(); });
  go_on.Open();
  destroyer.join();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(outcomes.Only(i).value(), 2 * i);
}

// Failures are explained with words of the transport's, which has to be there.
TEST(Lifetime, CallbacksThatRunInTheDestructorAreToldAllAboutTheCall) {
  MemoryWorld world;
  Outcomes outcomes;
  HeldServer server(world);
  std::optional<Client> client = world.Connect<Double>();
  client->CallAsync(1, outcomes.Of(1));
  client.reset();
  const std::string message(outcomes.Only(1).status().message());
  EXPECT_NE(message.find("double over queue \"rpc\" in memory, attempt 1"),
            std::string::npos)
      << message;
}

// Accepts calls and answers none; counts who asks of it when it is gone.
class Mortal final : public archetypes::LeastTransport {
 public:
  explicit Mortal(Options options) : LeastTransport(options) { alive = true; }
  ~Mortal() override { alive = false; }

  archetypes::LeastText Describe() const {
    if (!alive) ++asked_when_gone;
    return {};
  }
  absl::Status Submit(Request) {
    if (!alive) ++asked_when_gone;
    return absl::OkStatus();
  }

  static inline std::atomic<bool> alive = false;
  static inline std::atomic<int> asked_when_gone = 0;
};

TEST(Lifetime, TheTransportOutlivesTheCallbacks) {
  constexpr int kCalls = 5000;
  Outcomes outcomes;
  {
    auto client = RpcEndpoint<Mortal, ListSerializer, Double>::Open();
    ASSERT_TRUE(client.ok());
    for (int i = 0; i < kCalls; ++i) {
      client->CallAsync(
          i, [&, i](const Result&) { client->CallAsync(i, outcomes.Of(0)); });
    }
  }
  EXPECT_FALSE(Mortal::alive);
  EXPECT_EQ(outcomes.count(), static_cast<std::size_t>(kCalls));
  EXPECT_EQ(Mortal::asked_when_gone, 0);
}

TEST(Lifetime, ACallbackMayCallAnEndpointThatIsBeingDestroyed) {
  MemoryWorld world;
  HeldServer server(world);
  for (int round = 0; round < 50; ++round) {
    std::optional<Client> client = world.Connect<Double>();
    Outcomes outcomes;
    std::optional<Result> blocking;
    client->CallAsync(1, [&](const Result&) {
      client->CallAsync(2, outcomes.Of(2));
      blocking = client->Call(3);
    });
    client.reset();
    ASSERT_EQ(outcomes.Code(2), absl::StatusCode::kCancelled);
    ASSERT_FALSE(MayHaveRun(outcomes.Only(2).status()));
    ASSERT_EQ(blocking->status().code(), absl::StatusCode::kCancelled);
  }
}

// The first call of such an endpoint fails before the transport is asked for
// anything; the next is made when the transport may be asked no more.
TEST(Lifetime, ACallbackMayMakeTheFirstCallThatIsSubmitted) {
  MemoryWorld world;
  for (int round = 0; round < 50; ++round) {
    std::optional<Client> client = world.Connect<Double>();
    std::optional<Result> result;
    client->CallAsync(1, {.timeout = absl::ZeroDuration()},
                      [&](const Result&) { result = client->Call(1); });
    client.reset();
    ASSERT_TRUE(result.has_value());
    ASSERT_FALSE(result->ok());
    ASSERT_FALSE(MayHaveRun(result->status()));
  }
}

TEST(Lifetime, RepliesThatComeWhileItIsDestroyedReachOneCallback) {
  MemoryWorld world;
  const auto server = world.Serve(Doubling(), {.server = {.workers = 2}});
  for (int round = 0; round < 200; ++round) {
    Outcomes outcomes;
    std::optional<Client> client = world.Connect<Double>();
    for (int i = 0; i < 20; ++i) client->CallAsync(i, outcomes.Of(i));
    client.reset();
    ASSERT_EQ(outcomes.count(), 20u);
    for (int i = 0; i < 20; ++i) {
      const Result result = outcomes.Only(i);
      ASSERT_TRUE(result.ok()
                      ? *result == 2 * i
                      : result.status().code() == absl::StatusCode::kCancelled)
          << result.status();
    }
  }
}

TEST(Lifetime, AServersEndpointThatHasStoppedIsDestroyedInTime) {
  MemoryWorld world;
  auto server = world.Serve(Doubling());
  EXPECT_TRUE(server->Stop().ok());
  const TimePoint begin = Clock::now();
  server.reset();
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(1));
}

TEST(Lifetime, AnEndpointMayMoveWhileCallsArePending) {
  MemoryWorld world;
  Outcomes outcomes;
  HeldServer server(world);
  Client client = world.Connect<Double>();
  const auto stub = client.Stub<"double">();
  client.CallAsync(1, outcomes.Of(1));
  ASSERT_TRUE(server.WaitForCall());
  Client moved = std::move(client);
  server.LetGo();
  ASSERT_TRUE(outcomes.WaitFor(1));
  EXPECT_EQ(outcomes.Only(1).value(), 1);
  EXPECT_EQ(moved.Call(2).value(), 2);
  EXPECT_EQ(stub.Call(3).value(), 3);
  Client other = world.Connect<Double>();
  other = std::move(moved);
  EXPECT_EQ(other.Call(4).value(), 4);
}

// Asks the next server on behalf of its caller.
struct Front {
  using Method = rpc::Method<"front", std::int64_t(std::int64_t)>;

  Result operator()(const ServerContext& context, std::int64_t n) const {
    return next->Call(n, {.parent = &context});
  }

  std::shared_ptr<Client> next;
};

TEST(NestedCall, InheritsDeadlineAndTrace) {
  MemoryWorld world;
  Deadline seen;
  Metadata metadata;
  const auto back = world.Serve(
      Handle<Double>([&](const ServerContext& context, std::int64_t n) {
        seen = context.deadline;
        metadata = *context.metadata;
        return 2 * n;
      }),
      {.transport = {.queue = "back"}});
  const auto next = std::make_shared<Client>(
      world.Connect<Double>({.transport = {.queue = "back"}}));
  const auto front = world.Serve(Front{next});
  auto client = world.Connect<Front::Method>();
  const TimePoint begin = Clock::now();
  ASSERT_EQ(
      client
          .Call(21, {.timeout = absl::Seconds(7),
                     .metadata = {{"traceparent", "00-a"}, {"own", "value"}}})
          .value(),
      42);
  EXPECT_GE(seen, Deadline(begin + std::chrono::seconds(7)));
  EXPECT_LT(seen, Deadline(begin + std::chrono::seconds(8)));
  EXPECT_EQ(metadata, (Metadata{{"traceparent", "00-a"}}));
}

TEST(NestedCall, ThatDidNotRunDoesNotSayThatItsCallerDidNot) {
  MemoryWorld world;
  const auto nobody = std::make_shared<Client>(
      world.Connect<Double>({.transport = {.queue = "nobody's"}}));
  const auto front = world.Serve(Front{nobody});
  const absl::Status status = world.Connect<Front::Method>().Call(1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(MayHaveRun(status)) << status;
}

TEST(NestedCall, IsCancelledByTheDrainOfItsServer) {
  MemoryWorld world;
  HeldServer back(world, {.transport = {.queue = "back"}});
  const auto next = std::make_shared<Client>(
      world.Connect<Double>({.transport = {.queue = "back"}}));
  const auto front = world.Serve(
      Front{next}, {.server = {.drain_timeout = absl::Milliseconds(1)}});
  auto client = world.Connect<Front::Method>();
  std::optional<Result> result;
  std::jthread caller([&] { result = client.Call(1); });
  ASSERT_TRUE(back.WaitForCall());
  EXPECT_EQ(front->Stop().code(), absl::StatusCode::kDeadlineExceeded);
  caller.join();
  EXPECT_EQ(result->status().code(), absl::StatusCode::kCancelled);
}

// Counts down through an endpoint that is its own server.
struct CountDown {
  using Method = rpc::Method<"count_down", std::int64_t(std::int64_t)>;
  using Endpoint = MemoryEndpoint<CountDown>;

  Result operator()(const ServerContext& context, std::int64_t n) const {
    if (n == 0) return 0;
    const Result below = (*self)->Call(n - 1, {.parent = &context});
    if (!below.ok()) return below.status();
    return *below + 1;
  }

  std::shared_ptr<Endpoint*> self = std::make_shared<Endpoint*>(nullptr);
};

TEST(NestedCall, MayGoThroughTheEndpointThatServesIt) {
  MemoryWorld world;
  const CountDown handler;
  const auto server = world.Serve(handler, {.server = {.workers = 5}});
  *handler.self = &server->endpoint();
  EXPECT_EQ(server->endpoint().Call(4).value(), 4);
}

}  // namespace
}  // namespace rpc::testing
