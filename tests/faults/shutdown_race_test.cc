#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <random>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/transport/rabbitmq_bench.h"
#include "tests/transport/rabbitmq_probe.h"

namespace rpc::testing {
namespace {

constexpr int kRounds = 40;
constexpr int kCallers = 3;
constexpr std::size_t kCallsEach = 200;

// A client that goes while its calls are under way, expire, are cancelled from
// other threads, and make others in their callbacks. Each callback runs once.
class ShortLife {
 public:
  ShortLife(ProbeClient client, unsigned seed)
      : client_(std::move(client)),
        random_(seed),
        ends_(2 * kCallers * kCallsEach) {}

  void Run() {
    std::jthread canceller([this](const std::stop_token& stop) {
      for (std::size_t i = 0; !stop.stop_requested(); ++i) {
        cancels_[i % cancels_.size()].request_stop();
        std::this_thread::yield();
      }
    });
    {
      std::vector<std::jthread> callers;
      for (int caller = 0; caller < kCallers; ++caller) {
        callers.emplace_back([this, caller, seed = Draw(1u << 30)] {
          Call(static_cast<std::size_t>(caller), seed);
        });
      }
    }
    std::this_thread::sleep_for(std::chrono::microseconds(Draw(4000)));
    client_.reset();
  }

  bool EachEndedOnce() const {
    return std::all_of(ends_.begin(), ends_.end(),
                       [](const auto& ends) { return ends == 1; });
  }

 private:
  void Call(std::size_t caller, unsigned seed) {
    std::minstd_rand random(seed);
    for (std::size_t i = 0; i < kCallsEach; ++i) {
      CallOptions options;
      if (random() % 3 == 0) {
        options.timeout = absl::Microseconds(random() % 3000);
      }
      if (random() % 3 == 0) {
        options.cancellation = cancels_[random() % cancels_.size()].get_token();
      }
      const std::size_t id = 2 * (caller * kCallsEach + i);
      client_->CallAsync(id, options, [this, id](const auto&) {
        ++ends_[id];
        // Maybe of an endpoint that is being destroyed: it ends all the same.
        endpoint_.CallAsync(id + 1,
                            [this, id](const auto&) { ++ends_[id + 1]; });
      });
      if (random() % 50 == 0) {
        client_->Call(0, {.timeout = absl::Milliseconds(2)})
            .status()
            .IgnoreError();
      }
    }
  }

  unsigned Draw(unsigned below) {
    return static_cast<unsigned>(random_() % below);
  }

  std::optional<ProbeClient> client_;
  // For callbacks, which run until the end of its destruction.
  ProbeClient& endpoint_ = *client_;
  std::minstd_rand random_;
  std::vector<std::stop_source> cancels_ = std::vector<std::stop_source>(16);
  std::vector<std::atomic<int>> ends_;
};

TEST(ShutdownRace, EachCallEndsOnceWhateverGoesFirst) {
  const RabbitMqTopology topology = TutorialQueue(UniqueName("race"));
  const Probe probe{[](const ServerContext&, std::uint64_t n) { return n; }};
  // One server stays; another comes and goes.
  TestServer<ProbeServer> server(At(topology), probe);
  std::jthread restarter([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      TestServer<ProbeServer> guest(At(topology), probe);
      EXPECT_TRUE(guest.Stop().ok());
    }
  });
  for (unsigned round = 0; round < kRounds; ++round) {
    auto client = ProbeClient::Open(At<ProbeClient>(topology));
    ASSERT_TRUE(client.ok()) << client.status();
    ShortLife life(*std::move(client), round);
    life.Run();
    ASSERT_TRUE(life.EachEndedOnce()) << "in round " << round;
  }
}

}  // namespace
}  // namespace rpc::testing
