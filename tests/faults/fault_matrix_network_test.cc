#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/amqp/url.h"
#include "rpc/base/deadline.h"
#include "tests/faults/fault_matrix.h"
#include "tests/faults/faulty_world.h"
#include "tests/support/broker.h"
#include "tests/support/fault_proxy.h"
#include "tests/support/figure.h"

namespace rpc::testing {
namespace {

using absl::StatusCode;

// Twice the heartbeat of 1 s, and one second more.
constexpr absl::Duration kNoticed = absl::Seconds(3);

int BrokerPort() { return amqp::ParseUrl(BrokerUrl())->port; }

// Larger than what faults begin after, and several frames.
std::string Large() { return std::string(300'000, 'x'); }

class FaultMatrixNetwork : public FaultMatrix {
 protected:
  // The connection ends while a handler runs for `client`.
  static void CutWhileTheHandlerRuns(MatrixRow& row, FaultyWorld& world,
                                     Cut cut) {
    TimePoint from;
    row.Call(world.client(), "hold", [&] {
      EXPECT_TRUE(world.handler().AwaitHeld());
      from = Clock::now();
      world.proxy().CutAll(cut);
    });
    row.Recovers(world.client(), "again", from);
  }

  // When this returns, the client knows that its connection is over.
  static void LoseTheConnection(FaultyWorld& world) {
    Event over;
    world.client().CallAsync("hold", [&](const auto&) { over.Set(); });
    EXPECT_TRUE(world.handler().AwaitHeld());
    world.proxy().CutAll(Cut::kReset);
    EXPECT_TRUE(over.Wait());
    world.handler().Release();
  }

  // Whatever byte it is, a call ends in time and a next one is answered.
  template <typename Corrupt>
  static void CorruptEachByte(MatrixRow& row, FaultyWorld& world,
                              const Corrupt& corrupt) {
    for (std::uint64_t at = 0; at < 126; at += 7) {
      corrupt(at);
      absl::Status status;
      const absl::Duration took = Took([&] {
        status = world.client()
                     .Call("x", {.timeout = absl::Milliseconds(200)})
                     .status();
      });
      row.Check(took <= absl::Milliseconds(300) + row.stall(),
                absl::StrCat("byte ", at, " took ", absl::FormatDuration(took),
                             ": ", status.ToString()));
      const TimePoint from = Clock::now();
      row.Recovers(world.client(), absl::StrCat("after byte ", at), from);
    }
  }

  // A call over the connection that suffers, then one that must not.
  static void SufferOnce(MatrixRow& row, const ProxyFaults& faults,
                         const std::string& text) {
    FaultyWorld world({.broker_port = BrokerPort()});
    const TimePoint from = Clock::now();
    world.proxy().Afflict(faults);
    row.Call(world.client(), text);
    row.Recovers(world.client(), "again", from);
  }
};

TEST_F(FaultMatrixNetwork, Row01ResetOfTheClientsConnection) {
  FaultyWorld world({.broker_port = BrokerPort()});
  MatrixRow row(1, "RST, client, while the handler runs",
                {.code = StatusCode::kUnavailable});
  CutWhileTheHandlerRuns(row, world, Cut::kReset);
}

TEST_F(FaultMatrixNetwork, Row01ResetOfTheServersConnection) {
  FaultyWorld world({.broker_port = BrokerPort(), .behind = Behind::kServer});
  MatrixRow row(1, "RST, server, while the handler runs",
                {.timeout = absl::Seconds(5)});
  row.Call(world.client(), "hold", [&] {
    EXPECT_TRUE(world.handler().AwaitHeld());
    world.proxy().CutAll(Cut::kReset);
    // The same request, delivered again.
    EXPECT_TRUE(world.handler().AwaitHeld(2));
    world.handler().Release();
  });
  row.Recovers(world.client(), "again");
  EXPECT_EQ(world.server().endpoint().server_counters().redelivered, 1u);
}

TEST_F(FaultMatrixNetwork, Row02OrderlyEndOfTheConnection) {
  FaultyWorld world({.broker_port = BrokerPort()});
  MatrixRow row(2, "FIN, client, while the handler runs",
                {.code = StatusCode::kUnavailable});
  CutWhileTheHandlerRuns(row, world, Cut::kFinish);
}

TEST_F(FaultMatrixNetwork, Row03IdleClientForFourHeartbeats) {
  FaultyWorld world({.broker_port = BrokerPort(), .behind = Behind::kBoth});
  const int connections = world.proxy().accepted();
  MatrixRow row(3, "idle for 4 heartbeats", {});
  // The fault is that time passes.
  std::this_thread::sleep_for(std::chrono::seconds(4));
  row.Call(world.client(), "after");
  row.Recovers(world.client(), "again");
  row.Check(world.proxy().accepted() == connections, "was not kept up");
}

TEST_F(FaultMatrixNetwork, Row04BrokersBytesStop) {
  MatrixRow row(4, "broker's bytes stop",
                {.code = StatusCode::kDeadlineExceeded, .recovery = kNoticed});
  SufferOnce(row, {.to_client = {.fault = Fault::kStall}}, "lost");
}

TEST_F(FaultMatrixNetwork, Row05OurBytesStop) {
  MatrixRow row(5, "our bytes stop",
                {.code = StatusCode::kDeadlineExceeded, .recovery = kNoticed});
  SufferOnce(row, {.to_broker = {.fault = Fault::kStall}}, "lost");
}

TEST_F(FaultMatrixNetwork, Row06BothStop) {
  MatrixRow row(6, "both stop",
                {.code = StatusCode::kDeadlineExceeded, .recovery = kNoticed});
  SufferOnce(row,
             {.to_broker = {.fault = Fault::kStall},
              .to_client = {.fault = Fault::kStall}},
             "lost");
  RecordFigure("served again after the peer fell silent, heartbeat 1 s",
               absl::FormatDuration(row.recovery()), "<= 2 heartbeats and 1 s");
}

TEST_F(FaultMatrixNetwork, Row06BothStopAndCallersFillTheBuffers) {
  FaultyWorld world({.broker_port = BrokerPort()});
  MatrixRow row(6, "both stop, buffers full",
                {.code = StatusCode::kDeadlineExceeded,
                 .ran = Ran::kNo,
                 .recovery = kNoticed});
  world.proxy().SetFaults({.to_broker = {.fault = Fault::kStall},
                           .to_client = {.fault = Fault::kStall}});
  Tally ended;
  constexpr int kCalls = 20;
  for (int i = 0; i < kCalls; ++i) {
    world.client().CallAsync(Large(), {.timeout = absl::Seconds(1)},
                             [&](const auto&) { ended.Add(); });
  }
  // Behind 6 MB, which the kernel does not take.
  row.Call(world.client(), "lost");
  row.Check(ended.WaitFor(kCalls, absl::Milliseconds(100)), "some are late");
  world.proxy().SetFaults({});
  row.Recovers(world.client(), "again");
}

TEST_F(FaultMatrixNetwork, Row07HandshakeIsNeverAnswered) {
  FaultyWorld world({.broker_port = BrokerPort()});
  world.proxy().SetFaults({.new_connections = NewConnections::kSilent});
  MatrixRow open(7, "handshake never answered, Open",
                 {.code = StatusCode::kUnavailable,
                  .ran = Ran::kNo,
                  // Open is no call: it also takes down what it had begun.
                  .timeout = absl::Seconds(2)});
  auto options = world.Options<EchoClient>(true);
  options.open_timeout = absl::Seconds(1);
  absl::Status refused;
  const absl::Duration took =
      Took([&] { refused = EchoClient::Open(options).status(); });
  open.Ended(refused, took);

  // A login may take 5 s, and the next attempt is after a pause.
  MatrixRow row(7, "handshake never answered, redialling",
                {.code = StatusCode::kDeadlineExceeded,
                 .ran = Ran::kNo,
                 .recovery = absl::Seconds(5.5)});
  LoseTheConnection(world);
  row.Call(world.client(), "unsent");
  world.proxy().SetFaults({});
  row.Recovers(world.client(), "again");
  open.Recovers(world.client(), "again");
}

TEST_F(FaultMatrixNetwork, Row08PortIsClosed) {
  FaultyWorld world({.broker_port = BrokerPort()});
  MatrixRow row(8, "port closed",
                {.code = StatusCode::kDeadlineExceeded, .ran = Ran::kNo});
  world.proxy().SetFaults({.new_connections = NewConnections::kRefuse});
  LoseTheConnection(world);
  row.Call(world.client(), "unsent");
  world.proxy().SetFaults({});
  row.Recovers(world.client(), "again");
}

TEST_F(FaultMatrixNetwork, Row09StallInsideAReply) {
  MatrixRow row(9, "stall inside a reply's body",
                {.code = StatusCode::kDeadlineExceeded, .recovery = kNoticed});
  SufferOnce(row, {.to_client = {.fault = Fault::kFreeze, .after = 200'000}},
             Large());
}

TEST_F(FaultMatrixNetwork, Row09StallInsideARequest) {
  MatrixRow row(9, "stall inside a request's body",
                {.code = StatusCode::kDeadlineExceeded, .recovery = kNoticed});
  SufferOnce(row, {.to_broker = {.fault = Fault::kFreeze, .after = 200'000}},
             Large());
}

TEST_F(FaultMatrixNetwork, Row09TrickleInsideAReply) {
  MatrixRow row(9, "100 bytes per second inside a reply's body",
                {.code = StatusCode::kDeadlineExceeded, .recovery = kNoticed});
  SufferOnce(row,
             {.to_client = {.after = 200'000,
                            .burst = 1,
                            .every = absl::Milliseconds(10)}},
             Large());
}

TEST_F(FaultMatrixNetwork, Row10ResetInsideAReply) {
  MatrixRow row(10, "RST inside a reply's body",
                {.code = StatusCode::kUnavailable});
  SufferOnce(row, {.to_client = {.fault = Fault::kReset, .after = 200'000}},
             Large());
}

TEST_F(FaultMatrixNetwork, Row10ResetInsideARequest) {
  MatrixRow row(10, "RST inside a request's body",
                {.code = StatusCode::kUnavailable});
  SufferOnce(row, {.to_broker = {.fault = Fault::kReset, .after = 200'000}},
             Large());
}

TEST_F(FaultMatrixNetwork, Row11SlowLink) {
  FaultyWorld world({.broker_port = BrokerPort()});
  MatrixRow row(
      11, "100 kB/s for a request of 200 kB",
      {.code = StatusCode::kDeadlineExceeded, .recovery = absl::Seconds(3)});
  world.proxy().SetFaults(
      {.to_broker = {.burst = 2000, .every = absl::Milliseconds(20)}});
  row.Call(world.client(), std::string(200'000, 'x'));
  // The next ones are behind it on the way, until it has arrived.
  row.Recovers(world.client(), "again");
  row.Check(world.proxy().accepted() == 1, "the connection was not kept");
}

TEST_F(FaultMatrixNetwork, Row12FrameTypeIsCorrupted) {
  MatrixRow row(12, "first byte of the reply corrupted",
                {.code = StatusCode::kUnavailable});
  SufferOnce(row, {.to_client = {.fault = Fault::kCorrupt}}, "garbage");
}

TEST_F(FaultMatrixNetwork, Row12AnyByteOfAReplyIsCorrupted) {
  FaultyWorld world({.broker_port = BrokerPort()});
  MatrixRow row(12, "any byte of a reply corrupted", {.recovery = kNoticed});
  CorruptEachByte(row, world, [&](std::uint64_t at) {
    world.proxy().Afflict(
        {.to_client = {.fault = Fault::kCorrupt, .after = at}});
  });
}

// The broker waits for the 64 KiB of the frame and takes all that follows for
// them; its heartbeats go on.
TEST_F(FaultMatrixNetwork, Row12SizeOfARequestsFrameIsCorrupted) {
  MatrixRow row(12, "size of a request's frame corrupted",
                {.code = StatusCode::kDeadlineExceeded, .recovery = kNoticed});
  SufferOnce(row, {.to_broker = {.fault = Fault::kCorrupt, .after = 5}},
             "swallowed");
}

TEST_F(FaultMatrixNetwork, Row12AnyByteOfARequestIsCorrupted) {
  FaultyWorld world({.broker_port = BrokerPort()});
  MatrixRow row(12, "any byte of a request corrupted", {.recovery = kNoticed});
  CorruptEachByte(row, world, [&](std::uint64_t at) {
    world.proxy().Afflict(
        {.to_broker = {.fault = Fault::kCorrupt, .after = at}});
  });
}

}  // namespace
}  // namespace rpc::testing
