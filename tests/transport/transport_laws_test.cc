#include "tests/laws/transport_laws.h"

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"
#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/direct_transport.h"
#include "rpc/transport/memory_broker.h"
#include "rpc/transport/transport_policy.h"
#include "tests/transport/forwarding_transport.h"

namespace rpc::laws {
namespace {

using ::rpc::testing::ForwardingTransport;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// A violator waits for what never comes; it need not wait for long.
template <typename T>
struct WorldOf : TransportWorld<T> {
  static constexpr absl::Duration kPatience = absl::Milliseconds(500);

  WorldOf() {
    this->client.broker = this->server.broker =
        std::make_shared<MemoryBroker>();
  }
};

struct Faithful : ForwardingTransport {
  using ForwardingTransport::ForwardingTransport;
};

// What the wrapping adds breaks no law, so what breaks one below is what each
// violator adds. More patience than those have: nothing is missing here.
struct FaithfulWorld : TransportWorld<Faithful> {
  FaithfulWorld() {
    client.broker = server.broker = std::make_shared<MemoryBroker>();
  }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Faithful, TransportLaws, FaithfulWorld);

MATCHER_P2(Breaks, law, how, "") {
  *result_listener << arg.ToString();
  return arg.code() == absl::StatusCode::kFailedPrecondition &&
         ExplainMatchResult(StartsWith(std::string(law) + ": "),
                            std::string(arg.message()), result_listener) &&
         ExplainMatchResult(HasSubstr(how), std::string(arg.message()),
                            result_listener);
}

struct RepliesTwice : ForwardingTransport {
  using ForwardingTransport::ForwardingTransport;
  void OnReply(Reply reply) override {
    calls().OnReply(reply);
    calls().OnReply(reply);
  }
};
TEST(TransportLaws, EndsOnceIsBrokenByWhoRepliesTwice) {
  WorldOf<RepliesTwice> world;
  EXPECT_THAT(EndsOnce(world), Breaks("EndsOnce", "ended 2 times"));
}

struct NeverReplies : ForwardingTransport {
  using ForwardingTransport::ForwardingTransport;
  void OnReply(Reply) override {}
};
TEST(TransportLaws, EndsOnceIsBrokenByWhoNeverReplies) {
  WorldOf<NeverReplies> world;
  EXPECT_THAT(EndsOnce(world), Breaks("EndsOnce", "not answered"));
}

struct EndsBodiesAtZero : ForwardingTransport {
  using ForwardingTransport::ForwardingTransport;
  absl::Status Submit(Request request) override {
    const std::string body(request.body.view());
    request.body = body.c_str();
    return inner().Submit(std::move(request));
  }
};
TEST(TransportLaws, CarriesIsBrokenByWhoEndsBodiesAtZero) {
  WorldOf<EndsBodiesAtZero> world;
  EXPECT_THAT(Carries(world), Breaks("Carries", "of 1 bytes changed"));
}

struct ForgetsRetryAfter : ForwardingTransport {
  using ForwardingTransport::ForwardingTransport;
  void OnReply(Reply reply) override {
    reply.status = absl::Status(reply.status.code(), reply.status.message());
    calls().OnReply(std::move(reply));
  }
};
TEST(TransportLaws, CarriesIsBrokenByWhoForgetsAStatusPayload) {
  WorldOf<ForgetsRetryAfter> world;
  EXPECT_THAT(Carries(world), Breaks("Carries", "a reply's status"));
}

struct IgnoresClaims : ForwardingTransport {
  using ForwardingTransport::ForwardingTransport;
  bool Claim(std::string_view id) override {
    calls().Claim(id);
    return true;
  }
};
TEST(TransportLaws, ClaimsFirstIsBrokenByWhoIgnoresTheAnswer) {
  WorldOf<IgnoresClaims> world;
  EXPECT_THAT(ClaimsFirst(world), Breaks("ClaimsFirst", "Claim was refused"));
}

struct ClaimsNothing : ForwardingTransport {
  using ForwardingTransport::ForwardingTransport;
  bool Claim(std::string_view) override { return true; }
};
TEST(TransportLaws, ClaimsFirstIsBrokenByWhoDoesNotAsk) {
  WorldOf<ClaimsNothing> world;
  EXPECT_THAT(ClaimsFirst(world), Breaks("ClaimsFirst", "Claim was refused"));
}

// Settles a copy of a delivery: not at all.
class Nowhere final : public Delivery::Origin {
 public:
  void Settle(std::uint64_t, const Request&, Settlement, Reply*) override {}
};
struct DeliversTwice : ForwardingTransport {
  using ForwardingTransport::ForwardingTransport;
  void OnDelivery(Delivery delivery) override {
    static Nowhere nowhere;
    Delivery copy(delivery.request(), delivery.facts(), &nowhere, 0);
    ForwardingTransport::OnDelivery(std::move(delivery));
    server().OnDelivery(std::move(copy));
  }
};
TEST(TransportLaws, SettlesOnceIsBrokenByWhoDeliversTwice) {
  WorldOf<DeliversTwice> world;
  EXPECT_THAT(SettlesOnce(world), Breaks("SettlesOnce", "twice"));
}

struct IgnoresPrefetch : ForwardingTransport {
  using ForwardingTransport::ForwardingTransport;
  absl::Status StartServing(ServerEvents* events, ServingOptions) override {
    return ForwardingTransport::StartServing(events, {.prefetch = 1000});
  }
};
TEST(TransportLaws, SettlesOnceIsBrokenByWhoIgnoresPrefetch) {
  WorldOf<IgnoresPrefetch> world;
  EXPECT_THAT(SettlesOnce(world),
              Breaks("SettlesOnce", "than its prefetch allows"));
}

bool IsOfDrop(const Reply* reply) {
  return reply != nullptr &&
         reply->status.code() == absl::StatusCode::kInternal;
}

struct DropsInSilence : ForwardingTransport {
  using ForwardingTransport::ForwardingTransport;
  void SettleInner(Delivery delivery, Settlement settlement,
                   Reply* reply) override {
    ForwardingTransport::SettleInner(std::move(delivery), settlement,
                                     IsOfDrop(reply) ? nullptr : reply);
  }
};
TEST(TransportLaws, DropAnswersIsBrokenByWhoDropsInSilence) {
  WorldOf<DropsInSilence> world;
  EXPECT_THAT(DropAnswers(world), Breaks("DropAnswers", "not answered"));
}

struct RequeuesDropped : ForwardingTransport {
  using ForwardingTransport::ForwardingTransport;
  void SettleInner(Delivery delivery, Settlement settlement,
                   Reply* reply) override {
    ForwardingTransport::SettleInner(
        std::move(delivery),
        IsOfDrop(reply) ? Settlement::kRequeue : settlement, reply);
  }
};
TEST(TransportLaws, DropAnswersIsBrokenByWhoGivesDroppedOnesBack) {
  WorldOf<RequeuesDropped> world;
  EXPECT_THAT(DropAnswers(world), Breaks("DropAnswers", "out of turn"));
}

struct DoesNotStop : ForwardingTransport {
  using ForwardingTransport::ForwardingTransport;
  absl::Status StopServing(Deadline) override { return absl::OkStatus(); }
};
TEST(TransportLaws, StopsCleanIsBrokenByWhoDoesNotStop) {
  WorldOf<DoesNotStop> world;
  EXPECT_THAT(StopsClean(world), Breaks("StopsClean", "after StopServing"));
}

struct LosesAtStop : ForwardingTransport {
  using ForwardingTransport::ForwardingTransport;
  void SettleInner(Delivery delivery, Settlement settlement,
                   Reply* reply) override {
    ForwardingTransport::SettleInner(std::move(delivery), settlement,
                                     stopped ? nullptr : reply);
  }
  absl::Status StopServing(Deadline deadline) override {
    stopped = true;
    return ForwardingTransport::StopServing(deadline);
  }
  std::atomic<bool> stopped = false;
};
TEST(TransportLaws, StopsCleanIsBrokenByWhoLosesWhatIsInHand) {
  WorldOf<LosesAtStop> world;
  EXPECT_THAT(StopsClean(world), Breaks("StopsClean", "not answered"));
}

struct NeverWakes : ForwardingTransport {
  using ForwardingTransport::ForwardingTransport;
  TimePoint OnTime(TimePoint) override { return kNever; }
};
TEST(TransportLaws, WakesInTimeIsBrokenByWhoNeverWakes) {
  WorldOf<NeverWakes> world;
  EXPECT_THAT(WakesInTime(world), Breaks("WakesInTime", "no OnTime came"));
}

struct WakesLate : ForwardingTransport {
  using ForwardingTransport::ForwardingTransport;
  TimePoint OnTime(TimePoint now) override {
    constexpr auto kLate = std::chrono::milliseconds(120);
    return calls().OnTime(now - kLate) + kLate;
  }
};
TEST(TransportLaws, WakesInTimeIsBrokenByWhoWakesLate) {
  WorldOf<WakesLate> world;
  EXPECT_THAT(WakesInTime(world), Breaks("WakesInTime", "after the deadline"));
}

struct HidesRedelivery : ForwardingTransport {
  using ForwardingTransport::ForwardingTransport;
  void OnDelivery(Delivery delivery) override {
    const Request request = delivery.request();
    server().OnDelivery(Hold(std::move(delivery), request, {}));
  }
};
TEST(TransportLaws, RedeliversIsBrokenByWhoHidesIt) {
  WorldOf<HidesRedelivery> world;
  EXPECT_THAT(Redelivers(world), Breaks("Redelivers", "not marked"));
}

// Takes what it is given out of the queue at once.
struct AcksEarly : ForwardingTransport {
  using ForwardingTransport::ForwardingTransport;
  void OnDelivery(Delivery delivery) override {
    static Nowhere nowhere;
    Delivery copy(delivery.request(), delivery.facts(), &nowhere, 0);
    std::move(delivery).Ack();
    server().OnDelivery(std::move(copy));
  }
};
TEST(TransportLaws, RedeliversIsBrokenByWhoAcksEarly) {
  WorldOf<AcksEarly> world;
  EXPECT_THAT(Redelivers(world), Breaks("Redelivers", "not delivered again"));
}

// Wakes in time, and sends requests without their deadlines.
struct ForgetsDeadlines : ForwardingTransport {
  using ForwardingTransport::ForwardingTransport;
  absl::Status Submit(Request request) override {
    Request alarm;
    alarm.correlation_id = "alarm";
    alarm.deadline = std::exchange(request.deadline, Deadline());
    if (absl::Status status = inner().Submit(std::move(alarm)); !status.ok()) {
      return status;
    }
    return inner().Submit(std::move(request));
  }
  bool Claim(std::string_view id) override {
    return id != "alarm" && calls().Claim(id);
  }
};
TEST(TransportLaws, ExpiresIsBrokenByWhoForgetsDeadlines) {
  WorldOf<ForgetsDeadlines> world;
  EXPECT_THAT(Expires(world), Breaks("Expires", "after its deadline"));
}

struct ReturnsNothing : ForwardingTransport {
  using ForwardingTransport::ForwardingTransport;
  void OnReply(Reply reply) override {
    if (MayHaveRun(reply.status)) calls().OnReply(std::move(reply));
  }
};
TEST(TransportLaws, ReturnsIsBrokenByWhoReturnsNothing) {
  WorldOf<ReturnsNothing> world;
  EXPECT_THAT(Returns(world), Breaks("Returns", "not answered"));
}

struct ReturnsInDoubt : ForwardingTransport {
  using ForwardingTransport::ForwardingTransport;
  void OnReply(Reply reply) override {
    reply.status = absl::UnavailableError("no queue");
    calls().OnReply(std::move(reply));
  }
};
TEST(TransportLaws, ReturnsIsBrokenByWhoLeavesItInDoubt) {
  WorldOf<ReturnsInDoubt> world;
  EXPECT_THAT(Returns(world), Breaks("Returns", "said to have run"));
}

// Submits a request when the one before it was answered.
struct OneAtATime : ForwardingTransport {
  using ForwardingTransport::ForwardingTransport;
  absl::Status Submit(Request request) override {
    {
      const std::lock_guard lock(mutex);
      waiting.push_back(std::move(request));
      if (busy) return absl::OkStatus();
      busy = true;
    }
    SubmitNext();
    return absl::OkStatus();
  }
  void OnReply(Reply reply) override {
    calls().OnReply(std::move(reply));
    SubmitNext();
  }
  void SubmitNext() {
    Request next;
    {
      const std::lock_guard lock(mutex);
      busy = !waiting.empty();
      if (!busy) return;
      next = std::move(waiting.front());
      waiting.pop_front();
    }
    inner().Submit(std::move(next)).IgnoreError();
  }
  std::mutex mutex;
  std::deque<Request> waiting;
  bool busy = false;
};
TEST(TransportLaws, ConcurrentIsBrokenByOneAtATime) {
  WorldOf<OneAtATime> world;
  EXPECT_THAT(Concurrent(world), Breaks("Concurrent", "not delivered"));
}

// The laws of transports that stay on their caller's thread.
struct ServesTwice : DirectTransport {
  using DirectTransport::DirectTransport;
  template <typename Serve>
  absl::Status Exchange(std::string_view method, std::string_view body,
                        Serve&& serve) {
    serve(method, body).IgnoreError();
    return serve(method, body);
  }
};
TEST(TransportLaws, EndsOnceIsBrokenByAnExchangeThatServesTwice) {
  TransportWorld<ServesTwice> world;
  EXPECT_THAT(ExchangeEndsOnce(world), Breaks("EndsOnce", "served 2 times"));
}

struct CutsLongBodies : DirectTransport {
  using DirectTransport::DirectTransport;
  template <typename Serve>
  absl::Status Exchange(std::string_view method, std::string_view body,
                        Serve&& serve) {
    return serve(method, body.substr(0, 255));
  }
};
TEST(TransportLaws, CarriesIsBrokenByAnExchangeThatCutsLongBodies) {
  TransportWorld<CutsLongBodies> world;
  EXPECT_THAT(ExchangeCarries(world), Breaks("Carries", "of 256 bytes"));
}

}  // namespace
}  // namespace rpc::laws
