#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/base/status.h"
#include "rpc/endpoint.h"
#include "tests/core/handling.h"
#include "tests/endpoint/held_server.h"
#include "tests/endpoint/memory_world.h"
#include "tests/endpoint/outcomes.h"

namespace rpc::testing {
namespace {

using Result = absl::StatusOr<std::int64_t>;

// A MemoryTransport that tells what is done with each of them.
class Counted {
 public:
  struct Counts {
    std::atomic<int> made = 0;
    std::atomic<int> serving = 0;
    std::atomic<int> calls[8] = {};
    std::atomic<bool> is_down[8] = {};
  };
  struct Options {
    MemoryTransport::Options memory;
    std::shared_ptr<Counts> counts;
  };
  static constexpr TransportTraits kTraits = MemoryTransport::kTraits;

  explicit Counted(Options options)
      : counts_(options.counts),
        index_(counts_->made++),
        memory_(options.memory) {}

  absl::Status Open(Deadline deadline) { return memory_.Open(deadline); }
  std::string Describe() const { return memory_.Describe(); }
  absl::Status StartCalls(CallEvents* events) {
    return memory_.StartCalls(events);
  }
  absl::Status Submit(Request request) {
    ++counts_->calls[index_];
    return memory_.Submit(std::move(request));
  }
  absl::Status Ready() const {
    if (!counts_->is_down[index_]) return absl::OkStatus();
    return absl::UnavailableError("down");
  }
  absl::Status StartServing(ServerEvents* events, ServingOptions options) {
    ++counts_->serving;
    return memory_.StartServing(events, options);
  }
  absl::Status StopServing(Deadline deadline) {
    return memory_.StopServing(deadline);
  }
  absl::Status Flush(Deadline deadline) { return memory_.Flush(deadline); }

 private:
  const std::shared_ptr<Counts> counts_;
  const int index_;
  MemoryTransport memory_;
};

template <typename Handler>
using CountedEndpoint = RpcEndpoint<Counted, ListSerializer, Handler>;

class ConnectionsTest : public ::testing::Test {
 protected:
  Counted::Options Transport() {
    return {.memory = {.broker = broker_}, .counts = counts_};
  }

  const std::shared_ptr<MemoryBroker> broker_ =
      std::make_shared<MemoryBroker>();
  const std::shared_ptr<Counted::Counts> counts_ =
      std::make_shared<Counted::Counts>();
};

struct Same {
  using Method = Double;
  std::int64_t operator()(std::int64_t n) const { return n; }
};

TEST_F(ConnectionsTest, AnEndpointHasOneUnlessItIsTold) {
  const auto endpoint =
      CountedEndpoint<Double>::Open({.transport = Transport()});
  ASSERT_TRUE(endpoint.ok());
  EXPECT_EQ(counts_->made, 1);
}

TEST_F(ConnectionsTest, CallsTakeTurns) {
  auto server = CountedEndpoint<Same>::Open({.transport = Transport()});
  const auto serving = server->ServeInBackground();
  ASSERT_TRUE(serving.ok());
  counts_->made = 0;
  auto client = CountedEndpoint<Double>::Open(
      {.transport = Transport(), .connections = 3});
  for (std::int64_t n = 0; n < 30; ++n) {
    EXPECT_EQ(client->Call(n).value(), n);
  }
  EXPECT_EQ(counts_->made, 3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(counts_->calls[i], 10) << i;
  EXPECT_EQ(client->call_counters().started, 30u);
}

TEST_F(ConnectionsTest, CallsPassOverThoseThatAreDown) {
  auto server = CountedEndpoint<Same>::Open({.transport = Transport()});
  const auto serving = server->ServeInBackground();
  ASSERT_TRUE(serving.ok());
  counts_->made = 0;
  auto client = CountedEndpoint<Double>::Open(
      {.transport = Transport(), .connections = 3});
  counts_->is_down[0] = true;
  for (std::int64_t n = 0; n < 30; ++n) {
    EXPECT_EQ(client->Call(n, {.when_down = WhenDown::kFail}).value(), n);
  }
  EXPECT_EQ(counts_->calls[0], 0);
  EXPECT_EQ(counts_->calls[1], 15);
  EXPECT_EQ(counts_->calls[2], 15);
}

TEST_F(ConnectionsTest, WithAllDownACallWaitsOrFailsAsItWishes) {
  auto server = CountedEndpoint<Same>::Open({.transport = Transport()});
  const auto serving = server->ServeInBackground();
  ASSERT_TRUE(serving.ok());
  counts_->made = 0;
  auto client = CountedEndpoint<Double>::Open(
      {.transport = Transport(), .connections = 3});
  for (int i = 0; i < 3; ++i) counts_->is_down[i] = true;
  const Result failed = client->Call(1, {.when_down = WhenDown::kFail});
  EXPECT_EQ(failed.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(MayHaveRun(failed.status()));
  // This transport takes it all the same.
  EXPECT_EQ(client->Call(2).value(), 2);
}

TEST_F(ConnectionsTest, ServesOverAllOfThem) {
  std::atomic<int> told = 0;
  auto server = CountedEndpoint<Same>::Open(
      {.transport = Transport(),
       .connections = 3,
       .server = {.on_serving = [&] { told = counts_->serving.load(); }}});
  auto serving = server->ServeInBackground();
  ASSERT_TRUE(serving.ok());
  // When the last of them did.
  EXPECT_EQ(told, 3);
  EXPECT_EQ(serving->Stop(), absl::OkStatus());
}

TEST_F(ConnectionsTest, ShareMaxInFlight) {
  MemoryWorld world;
  HeldServer server(world);
  Outcomes outcomes;
  auto client = world.Connect<Double>({.max_in_flight = 5, .connections = 3});
  for (int i = 0; i < 6; ++i) client.CallAsync(i, outcomes.Of(i));
  // The sixth finds room on none of them.
  ASSERT_TRUE(outcomes.WaitFor(1));
  EXPECT_EQ(outcomes.Code(5), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(outcomes.count(), 1u);
  server.LetGo();
  EXPECT_TRUE(outcomes.WaitFor(6));
}

}  // namespace
}  // namespace rpc::testing
