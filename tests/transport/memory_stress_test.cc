#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"
#include "rpc/message/correlation_id.h"
#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/memory_broker.h"
#include "rpc/transport/memory_transport.h"
#include "tests/support/recording_calls.h"
#include "tests/support/recording_server.h"

namespace rpc {
namespace {

using ::rpc::testing::Abandon;
using ::rpc::testing::RecordingCalls;
using ::rpc::testing::RecordingServer;

Request RequestOf(std::uint32_t number, Deadline deadline = Deadline()) {
  const auto id = CorrelationId{number, 0}.Text();
  Request request;
  request.correlation_id = std::string_view(id.data(), id.size());
  request.deadline = deadline;
  return request;
}

// Serves on a thread of its own, badly: gives back some, keeps some for ever.
class MortalServer {
 public:
  MortalServer(std::shared_ptr<MemoryBroker> broker, unsigned seed)
      : end_({.broker = std::move(broker)}), random_(seed) {
    EXPECT_TRUE(end_.StartServing(&events_, {.prefetch = 8}).ok());
    thread_ = std::thread([this] { Work(); });
  }
  // Dies with what it holds.
  ~MortalServer() {
    dying_ = true;
    thread_.join();
    if (random_() % 2 == 0) {
      EXPECT_TRUE(end_.StopServing(Deadline()).ok());
    }
    events_.AbandonAll();
  }

 private:
  void Work() {
    while (!dying_) {
      std::optional<Delivery> delivery = events_.Take(absl::Milliseconds(1));
      if (!delivery.has_value()) continue;
      const auto fate = random_() % 16;
      if (fate == 0) {
        Abandon(*std::move(delivery));
      } else if (fate < 4) {
        std::move(*delivery).Requeue();
      } else {
        std::move(*delivery).Answer({.body = "result"});
      }
    }
  }

  RecordingServer events_;
  MemoryTransport end_;
  std::minstd_rand random_;
  std::atomic<bool> dying_ = false;
  std::thread thread_;
};

TEST(MemoryStress, EveryRequestEndsOnceWhileServersDie) {
  constexpr std::uint32_t kThreads = 3;
  constexpr std::uint32_t kPerThread = 2000;
  const auto broker = std::make_shared<MemoryBroker>();
  ASSERT_TRUE(broker->Declare("rpc", {}).ok());
  RecordingCalls calls;
  MemoryTransport client({.broker = broker});
  ASSERT_TRUE(client.StartCalls(&calls).ok());
  std::vector<std::thread> threads;
  for (std::uint32_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint32_t i = 0; i < kPerThread; ++i) {
        EXPECT_TRUE(client.Submit(RequestOf(t * kPerThread + i)).ok());
      }
    });
  }
  std::array<std::unique_ptr<MortalServer>, 3> servers;
  const TimePoint patience = Clock::now() + std::chrono::seconds(60);
  for (unsigned born = 0; Clock::now() < patience; ++born) {
    servers[born % servers.size()].reset();
    servers[born % servers.size()] =
        std::make_unique<MortalServer>(broker, born);
    if (calls.WaitForReplies(kThreads * kPerThread, absl::Milliseconds(5))) {
      break;
    }
  }
  for (std::thread& thread : threads) thread.join();
  std::map<std::string, int> ends;
  for (const Reply& reply : calls.replies()) {
    ++ends[std::string(reply.correlation_id.view())];
  }
  EXPECT_EQ(ends.size(), kThreads * kPerThread);
  for (const auto& [id, count] : ends) EXPECT_EQ(count, 1) << id;
}

// Ends the test's process in any build, and is reported by a sanitizer, if it
// is told an event when it is gone.
class FragileCalls final : public CallEvents {
 public:
  ~FragileCalls() { gone_ = true; }
  bool Claim(std::string_view) override { return Tell(); }
  void OnReply(Reply) override { Tell(); }
  void OnLost(const absl::Status&) override { Tell(); }
  void OnRefused(const absl::Status&) override { Tell(); }
  TimePoint OnTime(TimePoint now) override {
    Tell();
    return now;
  }

 private:
  bool Tell() {
    if (gone_) std::abort();
    return true;
  }
  bool gone_ = false;
};

TEST(MemoryStress, ClientsGoWhileTheyAreAnsweredAndWoken) {
  constexpr int kClients = 400;
  const auto broker = std::make_shared<MemoryBroker>();
  ASSERT_TRUE(broker->Declare("rpc", {}).ok());
  std::atomic<bool> done = false;
  const auto live = [&](std::uint32_t seed) {
    std::minstd_rand random(seed + 1);
    for (int i = 0; i < kClients; ++i) {
      const auto calls = std::make_unique<FragileCalls>();
      MemoryTransport client({.broker = broker});
      EXPECT_TRUE(client.StartCalls(calls.get()).ok());
      for (auto left = random() % 20; left > 0; --left) {
        const auto budget = absl::Microseconds(random() % 2000);
        EXPECT_TRUE(client.Submit(RequestOf(1, Deadline::After(budget))).ok());
      }
    }
  };
  std::vector<std::thread> servers;
  for (int i = 0; i < 2; ++i) {
    servers.emplace_back([&] {
      RecordingServer events;
      MemoryTransport end({.broker = broker});
      EXPECT_TRUE(end.StartServing(&events, {.prefetch = 4}).ok());
      while (!done) {
        std::optional<Delivery> taken = events.Take(absl::Milliseconds(1));
        if (taken.has_value()) std::move(*taken).Answer({});
      }
      EXPECT_TRUE(end.StopServing(Deadline()).ok());
      events.DropAll();
    });
  }
  std::thread first(live, 0);
  std::thread second(live, 1);
  first.join();
  second.join();
  done = true;
  for (std::thread& server : servers) server.join();
}

TEST(MemoryStress, ServersStopAndStartInTheRush) {
  constexpr int kRounds = 200;
  const auto broker = std::make_shared<MemoryBroker>();
  ASSERT_TRUE(broker->Declare("rpc", {}).ok());
  RecordingCalls calls;
  MemoryTransport client({.broker = broker});
  ASSERT_TRUE(client.StartCalls(&calls).ok());
  std::atomic<bool> done = false;
  std::uint32_t submitted = 0;
  std::thread rush([&] {
    while (!done) {
      EXPECT_TRUE(client.Submit(RequestOf(submitted++)).ok());
      // Not further ahead than the servers can follow.
      calls.WaitForReplies(submitted > 100 ? submitted - 100 : 0,
                           absl::Milliseconds(1));
    }
  });
  std::atomic<bool> stopped = false;
  RecordingServer events([&](Delivery delivery) {
    std::move(delivery).Answer({});
    EXPECT_FALSE(stopped);
  });
  MemoryTransport end({.broker = broker});
  for (int i = 0; i < kRounds; ++i) {
    stopped = false;
    const std::size_t before = events.deliveries();
    EXPECT_TRUE(end.StartServing(&events, {.prefetch = 4}).ok());
    EXPECT_TRUE(events.WaitForDeliveries(before + 1, absl::Seconds(20)));
    EXPECT_TRUE(end.StopServing(Deadline()).ok());
    stopped = true;
  }
  done = true;
  rush.join();
  stopped = false;
  EXPECT_TRUE(end.StartServing(&events, {.prefetch = 4}).ok());
  EXPECT_TRUE(calls.WaitForReplies(submitted, absl::Seconds(20)));
  EXPECT_TRUE(end.StopServing(Deadline()).ok());
}

}  // namespace
}  // namespace rpc
