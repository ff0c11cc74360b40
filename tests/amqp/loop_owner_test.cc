#include "rpc/amqp/loop_owner.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "absl/time/time.h"

namespace rpc::amqp {
namespace {

constexpr absl::Duration kForTheWholeTest = absl::Hours(1);
constexpr absl::Duration kShort = absl::Milliseconds(1);

// An I/O thread without I/O, which lends the loop whenever it is asked.
class IoThread {
 public:
  explicit IoThread(LoopOwner* owner) : owner_(*owner) {}
  ~IoThread() { Stop(); }

  void Stop() {
    stopped_ = true;
    owner_.Recall();
    if (thread_.joinable()) thread_.join();
  }

  // How often it had the loop back.
  int returns() const { return returns_; }
  void AwaitReturns(int count) const {
    while (returns_ < count) std::this_thread::yield();
  }
  int turns() const { return turns_; }

 private:
  void Run() {
    owner_.Take();
    while (!stopped_) {
      ++turns_;
      if (!owner_.asked()) continue;
      owner_.Lend();
      EXPECT_TRUE(owner_.IsMine());
      ++returns_;
    }
    owner_.Close();
  }

  LoopOwner& owner_;
  std::atomic<bool> stopped_{false};
  std::atomic<int> returns_{0};
  std::atomic<int> turns_{0};
  std::thread thread_{[this] { Run(); }};
};

void AskAndAwait(LoopOwner& owner) {
  ASSERT_TRUE(owner.Ask());
  owner.Await();
}

TEST(LoopOwner, IsTheIoThreadAtFirst) {
  LoopOwner owner;
  EXPECT_FALSE(owner.TryBorrow());
  EXPECT_FALSE(owner.IsMine());
  owner.Take();
  EXPECT_TRUE(owner.IsMine());
}

TEST(LoopOwner, IsWhoAskedAndNobodyElse) {
  LoopOwner owner(kForTheWholeTest);
  IoThread io_thread(&owner);
  AskAndAwait(owner);
  EXPECT_TRUE(owner.IsMine());
  EXPECT_FALSE(owner.TryBorrow());
  EXPECT_FALSE(owner.Ask());
  owner.Recall();
  EXPECT_FALSE(owner.TryBorrow());
  EXPECT_EQ(io_thread.returns(), 0);
  owner.Return();
}

TEST(LoopOwner, IsAskedByOneAtATime) {
  LoopOwner owner;
  owner.Take();
  EXPECT_FALSE(owner.asked());
  EXPECT_TRUE(owner.Ask());
  EXPECT_TRUE(owner.asked());
  EXPECT_FALSE(owner.Ask());
}

TEST(LoopOwner, IsWhoComesNextWhileItIsFree) {
  LoopOwner owner(kForTheWholeTest);
  IoThread io_thread(&owner);
  AskAndAwait(owner);
  owner.Return();
  for (int i = 0; i < 3; ++i) {
    std::thread([&] {
      EXPECT_FALSE(owner.IsMine());
      EXPECT_TRUE(owner.TryBorrow());
      EXPECT_TRUE(owner.IsMine());
      owner.Return();
    }).join();
  }
  EXPECT_EQ(io_thread.returns(), 0);
}

// Would take an hour, were it the end of the rest.
TEST(LoopOwner, IsTheIoThreadAtOnceWhenRecalled) {
  LoopOwner owner(kForTheWholeTest);
  IoThread io_thread(&owner);
  for (int i = 1; i <= 1000; ++i) {
    AskAndAwait(owner);
    owner.Return();
    owner.Recall();
    io_thread.AwaitReturns(i);
  }
}

TEST(LoopOwner, IsTheIoThreadWhenNobodyBorrowsIt) {
  LoopOwner owner(kShort);
  IoThread io_thread(&owner);
  for (int i = 1; i <= 10; ++i) {
    AskAndAwait(owner);
    owner.Return();
    io_thread.AwaitReturns(i);
  }
}

TEST(LoopOwner, ClosingRefusesAllButWhoAskedBefore) {
  LoopOwner owner(kForTheWholeTest);
  owner.Take();
  ASSERT_TRUE(owner.Ask());
  std::thread io_thread([&] { owner.Close(); });
  owner.Await();
  EXPECT_TRUE(owner.IsMine());
  owner.Return();
  owner.Recall();
  io_thread.join();
  EXPECT_FALSE(owner.Ask());
  EXPECT_FALSE(owner.TryBorrow());
}

// What the loop touches, a plain number here, is one thread's at a time.
TEST(LoopOwner, IsOneThreadWhateverTheyDo) {
  LoopOwner owner(kShort);
  IoThread io_thread(&owner);
  int touched = 0;
  std::atomic<int> loans{0};
  const auto touch = [&] {
    EXPECT_TRUE(owner.IsMine());
    ++touched;
    ++loans;
    owner.Return();
  };
  std::vector<std::thread> threads;
  for (int caller = 0; caller < 3; ++caller) {
    threads.emplace_back([&, caller] {
      for (int i = 0; i < 2000; ++i) {
        if (owner.TryBorrow()) {
          touch();
        } else if (owner.Ask()) {
          owner.Await();
          touch();
        }
        if (i % 7 == caller) owner.Recall();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  io_thread.Stop();
  EXPECT_EQ(touched, loans);
  EXPECT_GT(loans, 0);
}

}  // namespace
}  // namespace rpc::amqp
