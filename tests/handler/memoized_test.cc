#include "rpc/handler/memoized.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "rpc/base/outcome.h"
#include "rpc/handler/fibonacci.h"
#include "rpc/handler/handler_policy.h"
#include "rpc/message/server_context.h"
#include "tests/laws/handler_laws.h"

namespace rpc {
namespace {

// Negates, refuses what is negative, and counts how often it ran.
class Negate {
 public:
  using Method = rpc::Method<"negate", std::int64_t(std::int64_t)>;

  explicit Negate(std::atomic<int>* runs) : runs_(runs) {}
  absl::StatusOr<std::int64_t> operator()(std::int64_t n) const {
    ++*runs_;
    if (n < 0) return absl::InvalidArgumentError("negative");
    return -n;
  }

 private:
  std::atomic<int>* runs_;
};

// A result too large to be copied under a lock, two arguments, the context.
struct Join {
  using Method = rpc::Method<"join", std::string(std::string, std::string)>;

  std::string operator()(const ServerContext& context, const std::string& a,
                         const std::string& b) const {
    return a + std::string(context.message_id) + b;
  }
};

static_assert(Handles<Memoized<Negate>, Negate::Method>);
static_assert(!TakesContext<Memoized<Negate>, Negate::Method>);
static_assert(Handles<Memoized<Join>, Join::Method>);
static_assert(TakesContext<Memoized<Join>, Join::Method>);
static_assert(std::is_same_v<Memoized<Join>::Method, Join::Method>);
static_assert(std::is_nothrow_move_constructible_v<Memoized<Join>>);
static_assert(sizeof(Memoized<Join>) == sizeof(void*));

TEST(Memoized, RunsTheHandlerOncePerArgument) {
  std::atomic<int> runs = 0;
  const Memoized<Negate> handler{Negate(&runs)};
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(*handler(7), -7);
    EXPECT_EQ(*handler(8), -8);
  }
  EXPECT_EQ(runs, 2);
}

TEST(Memoized, DoesNotRememberFailures) {
  std::atomic<int> runs = 0;
  const Memoized<Negate> handler{Negate(&runs)};
  EXPECT_EQ(handler(-1).status(), absl::InvalidArgumentError("negative"));
  EXPECT_EQ(handler(-1).status(), absl::InvalidArgumentError("negative"));
  EXPECT_EQ(runs, 2);
}

TEST(Memoized, DropsTheLeastRecentlyUsed) {
  std::atomic<int> runs = 0;
  const Memoized<Negate> handler(Negate(&runs), {.capacity = 2});
  for (const std::int64_t n : {1, 2, 1, 3}) EXPECT_EQ(*handler(n), -n);
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(*handler(1), -1);
  EXPECT_EQ(*handler(3), -3);
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(*handler(2), -2);
  EXPECT_EQ(runs, 4);
}

TEST(Memoized, KeepsNothingWithoutCapacity) {
  std::atomic<int> runs = 0;
  const Memoized<Negate> handler(Negate(&runs), {.capacity = 0});
  EXPECT_EQ(*handler(1), -1);
  EXPECT_EQ(*handler(1), -1);
  EXPECT_EQ(runs, 2);
}

TEST(Memoized, KeepsAsManyAsItsCapacity) {
  std::atomic<int> runs = 0;
  const Memoized<Negate> handler{Negate(&runs)};
  for (int round = 0; round < 2; ++round) {
    for (std::int64_t n = 0; n < 1024; ++n) EXPECT_EQ(*handler(n), -n);
  }
  EXPECT_EQ(runs, 1024);
  for (std::int64_t n = 0; n < 100'000; ++n) EXPECT_EQ(*handler(n), -n);
  EXPECT_EQ(runs, 100'000);
}

TEST(Memoized, KeysOnEveryArgument) {
  const Memoized<Join> handler;
  EXPECT_EQ(handler({}, "a", "bc"), "abc");
  EXPECT_EQ(handler({}, "ab", "c"), "abc");
  EXPECT_EQ(handler({}, "ab", "d"), "abd");
}

TEST(Memoized, HandsOnTheContextOfTheCallThatRuns) {
  const Memoized<Join> handler;
  EXPECT_EQ(handler({.message_id = "-1-"}, "a", "b"), "a-1-b");
  EXPECT_EQ(handler({.message_id = "-2-"}, "a", "b"), "a-1-b");
  EXPECT_EQ(handler({.message_id = "-2-"}, "a", "c"), "a-2-c");
}

TEST(Memoized, MovesWithWhatItRemembers) {
  std::atomic<int> runs = 0;
  Memoized<Negate> first{Negate(&runs)};
  EXPECT_EQ(*first(1), -1);
  const Memoized<Negate> second = std::move(first);
  EXPECT_EQ(*second(1), -1);
  EXPECT_EQ(runs, 1);
}

// Two threads that are both inside of it cannot be under one lock.
class Meet {
 public:
  using Method = rpc::Method<"meet", int(int)>;
  explicit Meet(std::latch* both) : both_(both) {}
  int operator()(int n) const {
    both_->arrive_and_wait();
    return n;
  }

 private:
  std::latch* both_;
};

TEST(Memoized, RunsTheHandlerOutsideOfItsLock) {
  std::latch both(2);
  const Memoized<Meet> handler{Meet(&both)};
  std::thread other([&] { EXPECT_EQ(handler(1), 1); });
  EXPECT_EQ(handler(1), 1);
  other.join();
  EXPECT_EQ(handler(1), 1);
}

struct MemoizedFibonacciCase {
  using Handler = Memoized<Fibonacci<std::uint64_t>>;
  static Handler Make() { return Handler({}, {.capacity = 8}); }
  static std::vector<std::tuple<std::uint64_t>> Arguments() {
    std::vector<std::tuple<std::uint64_t>> arguments;
    for (std::uint64_t n = 80; n < 96; ++n) arguments.emplace_back(n);
    return arguments;
  }
};
struct MemoizedJoinCase {
  using Handler = Memoized<Join>;
  static Handler Make() { return Handler({}, {.capacity = 2}); }
  static std::vector<std::tuple<std::string, std::string>> Arguments() {
    return {{"", ""}, {"a", "b"}, {std::string(100, 'x'), "y"}};
  }
};

}  // namespace

namespace laws {
using MemoizedCases = ::testing::Types<MemoizedFibonacciCase, MemoizedJoinCase>;
INSTANTIATE_TYPED_TEST_SUITE_P(Memoized, HandlerLaws, MemoizedCases);
}  // namespace laws

}  // namespace rpc
