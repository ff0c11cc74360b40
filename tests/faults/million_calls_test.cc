#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <semaphore>
#include <stop_token>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/faults/holdings.h"
#include "tests/support/figure.h"
#include "tests/transport/rabbitmq_bench.h"
#include "tests/transport/rabbitmq_probe.h"

namespace rpc::testing {
namespace {

constexpr std::size_t kCalls = kIsSanitized ? 100'000 : 1'000'000;

// Calls in each form at once, some of them with deadlines that they may miss or
// cancelled while they are under way.
class Callers {
 public:
  explicit Callers(ProbeClient* client) : client_(client), ends_(kCalls) {}

  void Run() {
    std::vector<std::jthread> threads;
    for (unsigned seed = 0; seed < 4; ++seed) {
      threads.emplace_back([this, seed] { Call(seed); });
    }
  }

  // All calls whose callbacks have not run yet.
  bool WaitForAll() {
    return ended_.WaitFor(static_cast<int>(kCalls), absl::Minutes(2));
  }

  // How many calls did not end exactly once.
  std::ptrdiff_t NotOnce() const {
    return std::count_if(ends_.begin(), ends_.end(),
                         [](const auto& ends) { return ends != 1; });
  }
  std::size_t right() const { return right_; }
  std::size_t wrong() const { return wrong_; }
  std::size_t late() const { return late_; }
  std::size_t excused() const { return excused_; }
  std::size_t others() const { return others_; }

 private:
  auto Then(std::size_t n) {
    return [this, n](const absl::StatusOr<std::uint64_t>& value) {
      room_.release();
      End(n, {}, Clock::now(), value);
    };
  }

  void Call(unsigned seed) {
    std::minstd_rand random(seed);
    for (std::size_t n = next_++; n < kCalls; n = next_++) {
      switch (random() % 4) {
        case 0:
          End(n, {}, Clock::now(), client_->Call(n));
          break;
        case 1: {
          const absl::Duration timeout = absl::Milliseconds(random() % 100);
          const TimePoint begin = Clock::now();
          End(n, timeout, begin, client_->Call(n, {.timeout = timeout}));
          break;
        }
        case 2: {
          std::stop_source cancel;
          room_.acquire();
          client_->CallAsync(n, {.cancellation = cancel.get_token()}, Then(n));
          if (random() % 2 == 0) cancel.request_stop();
          break;
        }
        default: {
          room_.acquire();
          client_->CallAsync(n, Then(n));
        }
      }
    }
  }

  void End(std::size_t n, std::optional<absl::Duration> timeout,
           TimePoint begin, const absl::StatusOr<std::uint64_t>& value) {
    ++ends_[n];
    if (timeout.has_value() && absl::FromChrono(Clock::now() - begin) >
                                   *timeout + absl::Milliseconds(100)) {
      ++late_;
    }
    if (value.ok()) {
      ++(*value == 3 * n + 1 ? right_ : wrong_);
    } else if (absl::IsDeadlineExceeded(value.status()) ||
               absl::IsCancelled(value.status())) {
      ++excused_;
    } else {
      ++others_;
    }
    ended_.Add();
  }

  ProbeClient* client_;
  std::vector<std::atomic<int>> ends_;
  std::atomic<std::size_t> next_ = 0;
  // For what is under way without a thread that waits for it.
  std::counting_semaphore<> room_{2000};
  Tally ended_;
  std::atomic<std::size_t> right_ = 0, wrong_ = 0, late_ = 0, excused_ = 0,
                           others_ = 0;
};

TEST(MillionCalls, EachEndsOnceWithTheRightValueOrAnExcuse) {
  const RabbitMqTopology topology = TutorialQueue(UniqueName("million"));
  TestServer<ProbeServer> server(
      At(topology),
      Probe{[](const ServerContext&, std::uint64_t n) { return 3 * n + 1; }});
  auto client = ProbeClient::Open(At<ProbeClient>(topology));
  ASSERT_TRUE(client.ok()) << client.status();
  Callers callers(&*client);
  callers.Run();
  EXPECT_TRUE(callers.WaitForAll());
  EXPECT_EQ(callers.NotOnce(), 0);
  EXPECT_EQ(callers.wrong(), 0u);
  EXPECT_EQ(callers.late(), 0u);
  EXPECT_EQ(callers.others(), 0u);
  EXPECT_EQ(callers.right() + callers.excused(), kCalls);
  EXPECT_GT(callers.right(), kCalls / 2);
  RecordFigure(
      "calls not ended once, wrong or late, of all forms",
      absl::StrCat(static_cast<std::size_t>(callers.NotOnce()) +
                       callers.wrong() + callers.late() + callers.others(),
                   " of ", kCalls),
      "0");
  EXPECT_GT(callers.excused(), 0u);
  EXPECT_TRUE(server.Stop().ok());
}

}  // namespace
}  // namespace rpc::testing
