#include "rpc/base/event.h"

#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>

#include "gtest/gtest.h"

namespace rpc {
namespace {

// Whether a thread of this process is in a system call that waits: proc(5).
bool Sleeps(pid_t thread) {
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
  const std::string stat(std::istreambuf_iterator<char>(file), {});
  const std::size_t name_ends = stat.rfind(") ");
  return name_ends != std::string::npos && stat[name_ends + 2] == 'S';
}

TEST(Event, EndsTheWaitThatFollows) {
  Event event;
  event.Set();
  event.Wait();
  event.Wait();
}

TEST(Event, WakesWhoSleepsForIt) {
  Event event;
  std::atomic<pid_t> thread = 0;
  std::jthread waiter([&] {
    thread = gettid();
    event.Wait();
  });
  while (thread == 0 || !Sleeps(thread)) std::this_thread::yield();
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
