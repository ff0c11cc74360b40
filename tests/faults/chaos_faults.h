#ifndef RPC_TESTS_FAULTS_CHAOS_FAULTS_H_
#define RPC_TESTS_FAULTS_CHAOS_FAULTS_H_

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/faults/chaos_servers.h"
#include "tests/faults/chaos_world.h"
#include "tests/support/fault_proxy.h"
#include "tests/support/freeze.h"
#include "tests/transport/rabbitmq_plain_client.h"

namespace rpc::testing {

// Numbers that depend on the seed alone. Thread-compatible.
class ChaosRandom {
 public:
  explicit ChaosRandom(std::uint64_t seed) : engine_(seed) {}

  std::uint64_t Below(std::uint64_t limit) { return engine_() % limit; }
  bool OneIn(std::uint64_t count) { return Below(count) == 0; }
  absl::Duration Between(absl::Duration least, absl::Duration most) {
    const absl::Duration range = most - least;
    return least + absl::Milliseconds(Below(static_cast<std::uint64_t>(
                       absl::ToInt64Milliseconds(range) + 1)));
  }
  template <typename T, std::size_t kSize>
  const T& Of(const T (&some)[kSize]) {
    return some[Below(kSize)];
  }

 private:
  std::mt19937_64 engine_;
};

// Something bad that begins and ends.
struct ChaosFault {
  std::string name = {};
  std::function<void()> begin = [] {};
  std::function<void()> end = [] {};
  // How long after its end the service may take to be back.
  absl::Duration bound = kBack;

  // What dies is dialled again at once.
  static constexpr absl::Duration kBack = absl::Seconds(1);
  // What is silent is given up before, after two heartbeats of 1 s and a
  // second,
  static constexpr absl::Duration kBackFromSilence = absl::Seconds(4);
  // or, where nobody speaks to who dials, after SessionOptions::login_timeout.
  static constexpr absl::Duration kBackFromHang = absl::Seconds(6);
};

// What networks do to those behind a proxy.
struct ChaosNetwork {
  const char* name;
  ProxyFaults (*draw)(ChaosRandom&);
  enum class Whom { kAll, kThoseOpen, kThoseToCome } whom = Whom::kAll;
  absl::Duration bound = ChaosFault::kBackFromSilence;
};

// To one side, to the other, or to both.
inline ProxyFaults EitherWay(ChaosRandom& random,
                             const DirectionFaults& faults) {
  const std::uint64_t way = random.Below(3);
  ProxyFaults both;
  if (way != 0) both.to_broker = faults;
  if (way != 1) both.to_client = faults;
  return both;
}
template <Fault kFault>
ProxyFaults AtOnce(ChaosRandom& random) {
  return EitherWay(random, {.fault = kFault});
}
template <Fault kFault>
ProxyFaults AfterSome(ChaosRandom& random) {
  return EitherWay(random, {.fault = kFault, .after = random.Below(20'000)});
}
template <NewConnections kNew>
ProxyFaults OfThoseToCome(ChaosRandom&) {
  return {.new_connections = kNew};
}

inline constexpr ChaosNetwork kChaosNetworks[] = {
    {"stalls", AtOnce<Fault::kStall>},
    {"freezes", AtOnce<Fault::kFreeze>},
    {"swallows all", AtOnce<Fault::kDrop>},
    {"is late",
     [](ChaosRandom& random) {
       return EitherWay(random,
                        {.delay = random.Between(absl::Milliseconds(20),
                                                 absl::Milliseconds(500))});
     }},
    {"is slow",
     [](ChaosRandom& random) {
       return EitherWay(random, {.burst = 100 + random.Below(2000),
                                 .every = absl::Milliseconds(20)});
     }},
    {"resets after N bytes", AfterSome<Fault::kReset>},
    {"finishes after N bytes", AfterSome<Fault::kFinish>},
    {"corrupts a byte", AfterSome<Fault::kCorrupt>,
     ChaosNetwork::Whom::kThoseOpen},
    {"refuses", OfThoseToCome<NewConnections::kRefuse>,
     ChaosNetwork::Whom::kThoseToCome},
    {"accepts and hangs", OfThoseToCome<NewConnections::kSilent>,
     ChaosNetwork::Whom::kThoseToCome, ChaosFault::kBackFromHang},
};

// The faults that a seed brings to a world, window after window.
// Thread-compatible.
class ChaosFaults {
 public:
  explicit ChaosFaults(ChaosWorld* world)
      : world_(*world), servers_(world->servers()) {}

  // One to three that do not get in each other's way, to be begun in this order
  // and ended in the other.
  std::vector<ChaosFault> Draw(ChaosRandom& random) {
    using Drawer = ChaosFault (ChaosFaults::*)(ChaosRandom&);
    // Servers need a broker to begin and to end; endpoints are opened and ended
    // under all the others.
    constexpr Drawer kDrawers[] = {
        &ChaosFaults::DrawServer,        &ChaosFaults::DrawProcess,
        &ChaosFaults::DrawClientNetwork, &ChaosFaults::DrawServerNetwork,
        &ChaosFaults::DrawBroker,        &ChaosFaults::DrawEndpoints};
    constexpr std::size_t kHow[] = {1, 1, 1, 2, 2, 3};
    std::size_t left = random.Of(kHow);
    std::vector<ChaosFault> faults;
    for (std::size_t i = 0; i < std::size(kDrawers); ++i) {
      // Each of those that remain has the same chance.
      if (random.Below(std::size(kDrawers) - i) >= left) continue;
      const Drawer draw = kDrawers[i];
      faults.push_back((this->*draw)(random));
      --left;
    }
    return faults;
  }

 private:
  ChaosFault DrawServer(ChaosRandom& random) {
    const std::size_t server = random.Below(std::size(ChaosServers::kHere));
    return {.name = "server stopped and started",
            .begin = [this, server] { servers_.Stop(server); },
            .end = [this, server] { servers_.Start(server); }};
  }

  ChaosFault DrawProcess(ChaosRandom& random) {
    const std::size_t server =
        random.Below(std::size(ChaosServers::kProcesses));
    switch (random.Below(3)) {
      case 0:
        return {.name = "server process killed",
                .begin = [this, server] { servers_.KillProcess(server); },
                .end = [this, server] { servers_.StartProcess(server); }};
      case 1:
        return {.name = "server process terminated",
                .begin = [this, server] { servers_.TerminateProcess(server); },
                .end = [this, server] { servers_.StartProcess(server); }};
      default:
        return {.name = "server process frozen",
                .begin = [this, server] { Must(Freeze(servers_.pid(server))); },
                .end = [this, server] { Thaw(servers_.pid(server)); }};
    }
  }

  ChaosFault DrawEndpoints(ChaosRandom& random) {
    const Road road = random.OneIn(2) ? Road::kProxy : Road::kDirect;
    return {.name = "endpoints opened and ended",
            .begin = [this, road] { passing_ = world_.OpenPassing(road); },
            .end =
                [this, road] {
                  if (passing_ != nullptr) world_.End(*passing_);
                  passing_ = world_.OpenPassing(road);
                  if (passing_ != nullptr) world_.End(*passing_);
                  passing_.reset();
                }};
  }

  ChaosFault DrawClientNetwork(ChaosRandom& random) {
    return DrawNetwork("clients' network ", world_.client_proxy(), random);
  }
  ChaosFault DrawServerNetwork(ChaosRandom& random) {
    return DrawNetwork("server's network ", world_.server_proxy(), random);
  }
  static ChaosFault DrawNetwork(const char* whose, FaultProxy& proxy,
                                ChaosRandom& random) {
    if (random.OneIn(6)) {
      const Cut cut = random.OneIn(2) ? Cut::kReset : Cut::kFinish;
      return {
          .name = absl::StrCat(whose, cut == Cut::kReset ? "resets" : "ends"),
          .begin = [&proxy, cut] { proxy.CutAll(cut); },
          .bound = ChaosFault::kBack};
    }
    const ChaosNetwork& network = random.Of(kChaosNetworks);
    const ProxyFaults faults = network.draw(random);
    return {.name = absl::StrCat(whose, network.name),
            .begin = [&proxy, &network,
                      faults] { Afflict(proxy, network.whom, faults); },
            .end =
                [&proxy, faults] {
                  proxy.SetFaults({});
                  // TCP delivers what follows a gap to nobody.
                  if (faults.to_broker.fault == Fault::kDrop ||
                      faults.to_client.fault == Fault::kDrop) {
                    proxy.CutAll(Cut::kReset);
                  }
                },
            .bound = network.bound};
  }
  static void Afflict(FaultProxy& proxy, ChaosNetwork::Whom whom,
                      const ProxyFaults& faults) {
    if (whom == ChaosNetwork::Whom::kThoseOpen) return proxy.Afflict(faults);
    proxy.SetFaults(faults);
    if (whom == ChaosNetwork::Whom::kThoseToCome) proxy.CutAll(Cut::kReset);
  }

  ChaosFault DrawBroker(ChaosRandom& random) {
    switch (random.Below(7)) {
      case 0:
        return {.name = "broker frozen",
                .begin = [this] { Must(Freeze(world_.broker().pid())); },
                .end = [this] { Thaw(world_.broker().pid()); },
                .bound = ChaosFault::kBackFromSilence};
      case 1:
        return {.name = "broker killed and restarted",
                .begin = [this] { kill(world_.broker().pid(), SIGKILL); },
                .end = [this] { Must(world_.broker().Restart()); }};
      case 2:
        return {.name = "broker restarted",
                .end = [this] { Must(world_.broker().Restart()); }};
      case 3:
        // Not by a lower watermark, which has the broker page out, too: from
        // then on, and for some seconds after, a classic queue gets through
        // some 500 persistent messages a second (RabbitMQ 3.10).
        return Commands(
            "memory alarm",
            {"eval",
             "rabbit_alarm:set_alarm({{resource_limit, memory, node()}, "
             "[]})."},
            {"eval",
             "rabbit_alarm:clear_alarm({resource_limit, memory, node()})."});
      case 4:
        return Commands("disk alarm", {"set_disk_free_limit", "900GB"},
                        {"set_disk_free_limit", "50MB"});
      case 5:
        return Commands("connections closed by the operator",
                        {"close_all_connections", "chaos"}, {});
      default:
        return {.name = "queue deleted",
                .begin = [this, queue = random.Of(kChaosQueues)] {
                  PlainClient(world_.broker().url())
                      .DeleteQueue(world_.places().queue(queue));
                }};
    }
  }
  ChaosFault Commands(const char* name, std::vector<std::string> begin,
                      std::vector<std::string> end) {
    return {.name = name,
            .begin = [this, begin] { Command(begin); },
            .end = [this, end] { Command(end); }};
  }
  void Command(const std::vector<std::string>& words) {
    if (!words.empty()) Must(world_.broker().Ctl(words).status());
  }

  ChaosWorld& world_;
  ChaosServers& servers_;
  std::unique_ptr<ChaosWorld::Passing> passing_;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_FAULTS_CHAOS_FAULTS_H_
