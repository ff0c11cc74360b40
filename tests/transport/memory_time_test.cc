#include <chrono>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"
#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/memory_broker.h"
#include "rpc/transport/memory_clock.h"
#include "rpc/transport/transport_policy.h"
#include "tests/transport/memory_ends.h"

namespace rpc {
namespace {

using ::rpc::testing::Taken;
using ::testing::ElementsAre;

class MemoryTimeTest : public testing::MemoryEnds {
 protected:
  MemoryTimeTest() : MemoryEnds({.time = MemoryTime::kManual}) {}

  Deadline After(int milliseconds) {
    return Deadline::After(absl::Milliseconds(milliseconds), broker->Now());
  }
  void Pass(int milliseconds) { broker->Advance(After(milliseconds).at()); }
};

TEST_F(MemoryTimeTest, ExpiresWhatWaitedAtTheHead) {
  Serve();
  Call();
  Submit("in hand");
  std::optional<Delivery> in_hand = Taken(server);
  Submit("short", After(10));
  Submit("long", After(30));
  Pass(10);
  EXPECT_EQ(broker->Find("rpc")->ready(), 1u);
  std::move(*in_hand).Ack();
  EXPECT_THAT(server.ids(), ElementsAre("in hand", "long"));
  server.DropAll();
}

TEST_F(MemoryTimeTest, ExpiresWhatWaitsBehindOthersWhenItsTurnComes) {
  ASSERT_TRUE(broker->Declare("rpc", {}).ok());
  Call();
  Submit("patient", After(1000));
  Submit("short", After(10));
  Pass(20);
  EXPECT_EQ(broker->Find("rpc")->ready(), 2u);
  Serve(2);
  EXPECT_THAT(server.ids(), ElementsAre("patient"));
  server.DropAll();
}

TEST_F(MemoryTimeTest, RoundsTheTimeToLiveUpToMilliseconds) {
  ASSERT_TRUE(broker->Declare("rpc", {}).ok());
  Call();
  Submit("one", Deadline(broker->Now() + std::chrono::microseconds(9001)));
  Pass(9);
  EXPECT_EQ(broker->Find("rpc")->ready(), 1u);
  Pass(1);
  EXPECT_EQ(broker->Find("rpc")->ready(), 0u);
}

TEST_F(MemoryTimeTest, DoesNotExpireWhatAServerHolds) {
  Serve();
  Call();
  Submit("one", After(10));
  Pass(100);
  std::move(*Taken(server)).Answer({.body = "late"});
  EXPECT_EQ(calls.replies().size(), 1u);
}

TEST_F(MemoryTimeTest, ExpiresWhatIsGivenBackTooLate) {
  Serve();
  Call();
  Submit("one", After(10));
  Pass(10);
  std::move(*Taken(server)).Requeue();
  EXPECT_THAT(server.ids(), ElementsAre("one"));
}

TEST_F(MemoryTimeTest, WakesACallerAtEachDeadline) {
  Serve(9);
  Call();
  for (const int milliseconds : {30, 10, 20, 10}) {
    calls.Expect(After(milliseconds));
    Submit("a call", After(milliseconds));
  }
  Pass(9);
  EXPECT_EQ(calls.wake_ups().size(), 0u);
  Pass(1);
  EXPECT_EQ(calls.wake_ups().size(), 2u);
  Pass(1000);
  EXPECT_EQ(calls.wake_ups().size(), 4u);
  server.DropAll();
}

TEST_F(MemoryTimeTest, WakesAtEachTimeOnTheWay) {
  struct Ticks final : CallEvents {
    bool Claim(std::string_view) override { return true; }
    void OnReply(Reply) override {}
    void OnLost(const absl::Status&) override {}
    void OnRefused(const absl::Status&) override {}
    TimePoint OnTime(TimePoint now) override {
      times.push_back(now);
      return times.size() < 3 ? now + std::chrono::seconds(1) : kNever;
    }
    std::vector<TimePoint> times;
  };
  Serve();
  Ticks ticks;
  ASSERT_TRUE(client_end->StartCalls(&ticks).ok());
  const TimePoint start = broker->Now();
  Submit("one", After(1000));
  broker->Advance(kNever);
  EXPECT_THAT(ticks.times, ElementsAre(start + std::chrono::seconds(1),
                                       start + std::chrono::seconds(2),
                                       start + std::chrono::seconds(3)));
  server.DropAll();
  client_end.reset();
}

TEST_F(MemoryTimeTest, DoesNotGoBack) {
  const TimePoint before = broker->Now();
  broker->Advance(before - std::chrono::seconds(1));
  EXPECT_EQ(broker->Now(), before);
}

}  // namespace
}  // namespace rpc
