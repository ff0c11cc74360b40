#include "rpc/amqp/wakeup.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <memory>
#include <thread>

namespace rpc::amqp {
namespace {

// What poll(2) says of the descriptor within `timeout_ms`.
short Poll(const Wakeup& wakeup, int timeout_ms) {
  pollfd polled = {wakeup.descriptor(), POLLIN, 0};
  ::poll(&polled, 1, timeout_ms);
  return polled.revents;
}

class Wakeups : public ::testing::Test {
 protected:
  std::shared_ptr<Wakeup> wakeup_ = *Wakeup::Create();
};

TEST_F(Wakeups, WakingABusyThreadWritesNothingAndForbidsItsSleep) {
  wakeup_->Wake();
  EXPECT_EQ(Poll(*wakeup_, 0), 0);
  EXPECT_FALSE(wakeup_->BeginSleep());
  wakeup_->EndSleep(0);
  EXPECT_FALSE(wakeup_->BeginSleep());
  wakeup_->EndSleep(0);
  wakeup_->Heed();
  EXPECT_TRUE(wakeup_->BeginSleep());
}

TEST_F(Wakeups, WakingASleeperEndsItsPoll) {
  ASSERT_TRUE(wakeup_->BeginSleep());
  wakeup_->Wake();
  wakeup_->Wake();
  const short revents = Poll(*wakeup_, 10000);
  EXPECT_EQ(revents, POLLIN);
  wakeup_->EndSleep(revents);
  wakeup_->Heed();
  EXPECT_TRUE(wakeup_->BeginSleep());
  EXPECT_EQ(Poll(*wakeup_, 0), 0) << "one wake, one turn";
}

// Each request is seen: the sleeper's poll would take ten seconds otherwise.
TEST_F(Wakeups, NoWakeIsLost) {
  constexpr int kRequests = 20000;
  std::atomic<int> requested{0}, served{0};
  std::thread waker([&] {
    for (int i = 1; i <= kRequests; ++i) {
      requested.store(i);
      wakeup_->Wake();
      while (i % 2 == 0 && served.load() < i) {
      }
    }
  });
  while (served.load() < kRequests) {
    short revents = 0;
    if (wakeup_->BeginSleep()) {
      revents = Poll(*wakeup_, 10000);
      ASSERT_NE(revents, 0) << "slept through request " << served.load() + 1;
    }
    wakeup_->EndSleep(revents);
    wakeup_->Heed();
    served.store(requested.load());
  }
  waker.join();
}

}  // namespace
}  // namespace rpc::amqp
