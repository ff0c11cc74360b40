#include "rpc/core/server.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"
#include "rpc/message/server_context.h"
#include "tests/core/gate.h"
#include "tests/core/settlements.h"

namespace rpc::core {
namespace {

using ::rpc::testing::Gate;
using ::rpc::testing::kPatience;
using ::rpc::testing::Settlements;
using ::testing::ElementsAre;

void Accept(const ServerContext&, const Request& request, Reply& reply) {
  reply.body = request.body;
}

// Until all that was delivered is settled.
void Finish(Server& server) {
  EXPECT_TRUE(server.Drain(Deadline::After(kPatience)).ok());
}

// On the thread that delivers.
ServerOptions Inline() { return {.workers = 0}; }

TEST(Server, AnswersAndAcknowledges) {
  Settlements settlements;
  Server server(Inline(), Accept);
  Request request;
  request.body = "content";
  request.correlation_id = "the caller's";
  server.OnDelivery(settlements.Deliver(1, request));
  const auto settled = settlements.Of(1);
  ASSERT_TRUE(settled.has_value());
  EXPECT_EQ(settled->settlement, Settlement::kAck);
  EXPECT_EQ(settled->reply->body, "content");
  EXPECT_EQ(settled->reply->correlation_id, "the caller's");
}

TEST(Server, CountsWhatBecameOfRequests) {
  Settlements settlements;
  Server server(Inline(),
                [](const ServerContext&, const Request& request, Reply& reply) {
                  if (request.body == "bad") {
                    reply.status = absl::AbortedError("bad");
                  }
                });
  Request bad;
  bad.body = "bad";
  Request late;
  late.deadline = Deadline(Clock::now());
  server.OnDelivery(settlements.Deliver(1));
  server.OnDelivery(settlements.Deliver(2));
  server.OnDelivery(settlements.Deliver(3, bad));
  server.OnDelivery(settlements.Deliver(4, late, {.redelivered = true}));
  server.OnInterrupted(absl::UnavailableError("gone"));
  Finish(server);
  server.OnDelivery(settlements.Deliver(5));
  const ServerCounters counters = server.counters();
  EXPECT_EQ(counters.succeeded, 2u);
  EXPECT_EQ(counters.failed, 1u);
  EXPECT_EQ(counters.expired, 1u);
  EXPECT_EQ(counters.redelivered, 1u);
  EXPECT_EQ(counters.interruptions, 1u);
  EXPECT_EQ(counters.given_back, 1u);
}

TEST(Server, DoesNotRunWhatHasExpired) {
  Settlements settlements;
  int runs = 0;
  Server server(Inline(),
                [&](const ServerContext&, const Request&, Reply&) { ++runs; });
  Request late;
  late.deadline = Deadline(Clock::now());
  server.OnDelivery(settlements.Deliver(1, late));
  EXPECT_EQ(runs, 0);
  const auto settled = settlements.Of(1);
  ASSERT_TRUE(settled.has_value());
  EXPECT_EQ(settled->settlement, Settlement::kAck);
  EXPECT_EQ(settled->reply->status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_FALSE(MayHaveRun(settled->reply->status));
  Request soon;
  soon.deadline = Deadline::After(kPatience);
  server.OnDelivery(settlements.Deliver(2, soon));
  EXPECT_EQ(runs, 1);
}

TEST(Server, TellsTheHandlerOfTheCallThatItServes) {
  Settlements settlements;
  ServerContext seen;
  Metadata metadata;
  Server server(Inline(),
                [&](const ServerContext& context, const Request&, Reply&) {
                  seen = context;
                  metadata = *context.metadata;
                  EXPECT_EQ(context.method, "m");
                  EXPECT_EQ(context.message_id, "id");
                });
  Request request;
  request.deadline = Deadline::After(kPatience);
  request.method = "m";
  request.message_id = "id";
  request.metadata = {{"key", "value"}};
  server.OnDelivery(settlements.Deliver(
      1, request, {.redelivered = true, .earlier_deliveries = 3}));
  EXPECT_EQ(seen.deadline, request.deadline);
  EXPECT_TRUE(seen.redelivered);
  EXPECT_EQ(seen.earlier_deliveries, 3);
  EXPECT_EQ(metadata, request.metadata);
  EXPECT_FALSE(seen.cancellation.stop_requested());
}

TEST(Server, AsksForThePrefetchThatItWasGiven) {
  const auto options_of = [](ServerOptions options) {
    return Server(options, Accept).serving_options();
  };
  EXPECT_EQ(options_of({.workers = 1, .prefetch = 7}).prefetch, 7);
  EXPECT_FALSE(options_of({.workers = 1, .prefetch = 7}).prefetch_is_default);
  EXPECT_EQ(options_of({.workers = 2}).prefetch, 64);
  EXPECT_TRUE(options_of({.workers = 2}).prefetch_is_default);
  EXPECT_EQ(options_of({.workers = 0}).prefetch, 32);
}

TEST(Server, TellsItsHooks) {
  Settlements settlements;
  std::vector<std::string> told;
  ServerOptions options = Inline();
  options.on_serving = [&] { told.emplace_back("serving"); };
  options.on_interrupted = [&](const absl::Status& status) {
    told.emplace_back("interrupted: " + std::string(status.message()));
  };
  options.on_served = [&](const Request& request, const Reply& reply) {
    // The reply has not left.
    EXPECT_FALSE(settlements.Of(1).has_value());
    told.emplace_back("served " + std::string(request.body.view()) + " -> " +
                      std::string(reply.body.view()));
  };
  Server server(options, Accept);
  server.OnServing();
  Request request;
  request.body = "x";
  server.OnDelivery(settlements.Deliver(1, request));
  server.OnInterrupted(absl::UnavailableError("gone"));
  server.OnServing();
  EXPECT_THAT(told, ElementsAre("serving", "served x -> x", "interrupted: gone",
                                "serving"));
}

TEST(Server, EndsWhenItIsStopped) {
  Server server(Inline(), Accept);
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_TRUE(server.WaitForEnd(stop.get_token()).ok());
}

TEST(Server, EndsWhenTheTransportRefuses) {
  Server server(Inline(), Accept);
  std::jthread transport(
      [&] { server.OnRefused(absl::PermissionDeniedError("not you")); });
  EXPECT_EQ(server.WaitForEnd({}), absl::PermissionDeniedError("not you"));
}

TEST(Server, AnInterruptionDoesNotEndIt) {
  Server server(Inline(), Accept);
  server.OnInterrupted(absl::UnavailableError("gone"));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_TRUE(server.WaitForEnd(stop.get_token()).ok());
}

// Holds the delivery of an empty body until it is cancelled or let go.
struct Holder {
  void operator()(const ServerContext& context, const Request&, Reply& reply) {
    const std::stop_callback wake(context.cancellation, [this] {
      cancelled = true;
      leave.Open();
    });
    entered.Open();
    leave.Wait();
    if (cancelled) reply.status = absl::CancelledError("told to stop");
  }

  Gate entered;
  Gate leave;
  bool cancelled = false;
};

TEST(Drain, GivesBackWhatNoHandlerHasBegun) {
  Settlements settlements;
  Holder holder;
  Server server({.workers = 1}, std::ref(holder));
  server.OnDelivery(settlements.Deliver(1));
  ASSERT_TRUE(holder.entered.Wait());
  server.OnDelivery(settlements.Deliver(2));
  server.OnDelivery(settlements.Deliver(3));
  std::optional<absl::Status> drained;
  std::jthread drain(
      [&] { drained = server.Drain(Deadline::After(kPatience)); });
  while (server.counters().given_back < 2) std::this_thread::yield();
  EXPECT_EQ(settlements.SettlementOf(2), Settlement::kRequeue);
  EXPECT_EQ(settlements.SettlementOf(3), Settlement::kRequeue);
  EXPECT_EQ(settlements.SettlementOf(1), std::nullopt);
  holder.leave.Open();
  drain.join();
  EXPECT_EQ(drained, absl::OkStatus());
  EXPECT_EQ(settlements.SettlementOf(1), Settlement::kAck);
  EXPECT_FALSE(holder.cancelled);
}

TEST(Drain, CancelsHandlersAtItsDeadlineAndWaitsForThem) {
  Settlements settlements;
  Holder holder;
  Server server({.workers = 1}, std::ref(holder));
  server.OnDelivery(settlements.Deliver(1));
  ASSERT_TRUE(holder.entered.Wait());
  EXPECT_EQ(server.Drain(Deadline::After(absl::Milliseconds(1))).code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(holder.cancelled);
  const auto settled = settlements.Of(1);
  ASSERT_TRUE(settled.has_value());
  EXPECT_EQ(settled->settlement, Settlement::kAck);
  EXPECT_EQ(settled->reply->status, absl::CancelledError("told to stop"));
}

TEST(Cancellation, ReachesAHandlerAtItsDeadline) {
  Settlements settlements;
  Holder holder;
  Server server(Inline(), std::ref(holder));
  Request request;
  request.deadline = Deadline::After(absl::Milliseconds(50));
  server.OnDelivery(settlements.Deliver(1, request));
  EXPECT_TRUE(request.deadline.Expired(Clock::now()));
  EXPECT_TRUE(holder.cancelled);
}

TEST(Cancellation, ReachesThoseWhoseDeliveriesAreLost) {
  Settlements lost, kept;
  Holder of_lost, of_kept;
  Server server({.workers = 2}, [&](const ServerContext& context,
                                    const Request& request, Reply& reply) {
    Holder& holder = request.body == "lost" ? of_lost : of_kept;
    holder(context, request, reply);
  });
  Request request;
  request.body = "lost";
  server.OnDelivery(lost.Deliver(1, request));
  request.body = "kept";
  server.OnDelivery(kept.Deliver(1, request));
  ASSERT_TRUE(of_lost.entered.Wait());
  ASSERT_TRUE(of_kept.entered.Wait());
  server.OnDeliveriesLost(lost);
  EXPECT_TRUE(of_lost.leave.Wait());
  of_kept.leave.Open();
  Finish(server);
  EXPECT_TRUE(of_lost.cancelled);
  EXPECT_FALSE(of_kept.cancelled);
}

TEST(Cancellation, CostsNothingWhereNoHandlerCanSeeIt) {
  Settlements settlements;
  bool is_possible = true;
  Server server(Inline(),
                [&](const ServerContext& context, const Request&, Reply&) {
                  is_possible = context.cancellation.stop_possible();
                },
                {.cancels_handlers = false});
  server.OnDelivery(settlements.Deliver(1));
  EXPECT_FALSE(is_possible);
}

TEST(Drain, LosesNothingWhileWorkersTake) {
  constexpr std::uint64_t kDeliveries = 2000;
  for (int round = 0; round < 10; ++round) {
    Settlements settlements;
    Server server({.workers = 3}, Accept);
    for (std::uint64_t i = 0; i < kDeliveries; ++i) {
      server.OnDelivery(settlements.Deliver(i));
    }
    Finish(server);
    for (std::uint64_t i = 0; i < kDeliveries; ++i) {
      ASSERT_TRUE(settlements.Of(i).has_value()) << i;
    }
    const ServerCounters counters = server.counters();
    ASSERT_EQ(counters.succeeded + counters.given_back, kDeliveries);
  }
}

}  // namespace
}  // namespace rpc::core
