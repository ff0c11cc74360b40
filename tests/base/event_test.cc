#include "rpc/base/event.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "gtest/gtest.h"

namespace rpc {
namespace {

TEST(Event, EndsTheWaitThatFollows) {
  Event event;
  event.Set();
  event.Wait();
  event.Wait();
}

TEST(Event, WakesWhoSleepsForIt) {
  Event event;
  std::atomic<bool> waits = false;
  std::jthread waiter([&] {
    waits = true;
    event.Wait();
  });
  while (!waits) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  event.Set();
}

// Whoever has waited may destroy the event while Set() has not returned.
TEST(Event, MayBeGoneWhenItsWaiterIs) {
  for (int i = 0; i < 2000; ++i) {
    auto event = std::make_unique<Event>();
    int value = 0;
    std::jthread setter([&value, event = event.get()] {
      value = 1;
      event->Set();
    });
    event->Wait();
    EXPECT_EQ(value, 1);
    event.reset();
  }
}

}  // namespace
}  // namespace rpc
