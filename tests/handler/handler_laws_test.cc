#include "tests/laws/handler_laws.h"

#include <atomic>
#include <chrono>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "rpc/message/method.h"
#include "rpc/message/server_context.h"

// For each law a handler that breaks it: the law says so, by its name.
namespace rpc::laws {
namespace {

// Keeps both laws, in every way that a call can end.
struct Divide {
  using Method = rpc::Method<"divide", int(int, int)>;
  absl::StatusOr<int> operator()(int a, int b) const {
    if (b == 0) return absl::InvalidArgumentError("division by zero");
    if (a < 0) throw std::domain_error("negative");
    return a / b;
  }
};

struct Touch {
  using Method = rpc::Method<"touch", void()>;
  absl::Status operator()(const ServerContext&) const {
    return absl::OkStatus();
  }
};

// Does not return until it is released.
class Hangs {
 public:
  using Method = rpc::Method<"hangs", void(int)>;
  void operator()(int) const { released_.wait(); }
  void Release() { release_.set_value(); }

 private:
  std::promise<void> release_;
  std::shared_future<void> released_ = release_.get_future().share();
};

// Keeps its argument in a place that all calls share, and looks there again
// when another call has been.
class Shares {
 public:
  using Method = rpc::Method<"shares", int(int)>;
  int operator()(int n) const {
    const int turn = ++turns_;
    argument_ = n;
    for (int i = 0; i < 1000 && turns_ == turn; ++i) std::this_thread::yield();
    return argument_;
  }

 private:
  mutable std::atomic<int> turns_ = 0;
  mutable std::atomic<int> argument_ = 0;
};

std::string LawOf(const absl::Status& status) {
  const std::string message(status.message());
  return message.substr(0, message.find(':'));
}

TEST(HandlerLaws, HoldForAHandlerThatKeepsThem) {
  const std::vector<std::tuple<int, int>> arguments = {{6, 3}, {1, 0}, {-1, 1}};
  EXPECT_EQ(Total(Divide(), arguments[0]), absl::OkStatus());
  EXPECT_EQ(Concurrent(Divide(), arguments), absl::OkStatus());
}

TEST(HandlerLaws, TotalNoticesACallWithoutAnEnd) {
  // The thread may still be leaving it when the test ends.
  static Hangs& handler = *new Hangs;
  EXPECT_EQ(LawOf(Total(handler, {7}, std::chrono::seconds(0))), "Total");
  handler.Release();
}

TEST(HandlerLaws, ConcurrentNoticesSharedState) {
  EXPECT_EQ(LawOf(Concurrent(Shares(), {{1}, {2}, {3}})), "Concurrent");
}

TEST(HandlerLaws, EndingsTellValuesStatusesAndExceptionsApart) {
  EXPECT_EQ(EndingOf(Divide(), {6, 3}).value, 2);
  EXPECT_EQ(EndingOf(Divide(), {1, 0}).status,
            absl::InvalidArgumentError("division by zero"));
  EXPECT_TRUE(EndingOf(Divide(), {-1, 1}).threw);
  EXPECT_NE(EndingOf(Divide(), {6, 3}), EndingOf(Divide(), {9, 3}));
}

struct DivideCase {
  using Handler = Divide;
  static Handler Make() { return {}; }
  static std::vector<std::tuple<int, int>> Arguments() {
    return {{6, 3}, {1, 0}, {-1, 1}};
  }
};
struct TouchCase {
  using Handler = Touch;
  static Handler Make() { return {}; }
  static std::vector<std::tuple<>> Arguments() { return {{}}; }
};

using Cases = ::testing::Types<DivideCase, TouchCase>;
INSTANTIATE_TYPED_TEST_SUITE_P(Kept, HandlerLaws, Cases);

}  // namespace
}  // namespace rpc::laws
