#include "rpc/core/awaitable_call.h"

#ifdef RPC_HAS_COROUTINES

#include <condition_variable>
#include <coroutine>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/endpoint.h"
#include "rpc/handler/fibonacci.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/transport/direct_transport.h"
#include "tests/core/gate.h"
#include "tests/core/handling.h"
#include "tests/endpoint/held_server.h"
#include "tests/endpoint/memory_world.h"
#include "tests/endpoint/outcomes.h"

namespace rpc::testing {
namespace {

using Result = absl::StatusOr<std::int64_t>;

// A coroutine that runs until it waits, and belongs to nobody.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

// An executor with one thread, as a user's event loop.
class Loop {
 public:
  void Post(std::coroutine_handle<> coroutine) {
    const std::lock_guard lock(mutex_);
    coroutines_.push_back(coroutine);
    posted_.notify_one();
  }

  std::thread::id id() const { return thread_.get_id(); }

 private:
  void Run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (posted_.wait(lock, stop, [&] { return !coroutines_.empty(); })) {
      const std::coroutine_handle<> next = coroutines_.front();
      coroutines_.pop_front();
      lock.unlock();
      next.resume();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable_any posted_;
  std::deque<std::coroutine_handle<>> coroutines_;
  std::jthread thread_{[this](const std::stop_token& stop) { Run(stop); }};
};

template <typename Client>
Detached CallOnce(Client& client, CallOptions options,
                  std::function<void(Result)> then) {
  Result result = co_await client.CallAwaitable(21, std::move(options));
  then(std::move(result));
}

TEST(AwaitableCall, GivesWhatCallWouldHaveReturned) {
  MemoryWorld world;
  Outcomes outcomes;
  const auto server = world.Serve(Doubling());
  auto client = world.Connect<Double>();
  CallOnce(client, {}, outcomes.Of(1));
  ASSERT_TRUE(outcomes.WaitFor(1));
  EXPECT_EQ(outcomes.Only(1).value(), 42);
  EXPECT_NE(outcomes.threads().front(), std::this_thread::get_id());
}

template <typename Client>
Detached CallInTurn(Client& client, int calls, Gate& done) {
  std::int64_t n = 1;
  for (int i = 0; i < calls; ++i) {
    const Result doubled = co_await client.CallAwaitable(n);
    n = doubled.value() % 1000 + 1;
  }
  done.Open();
}

TEST(AwaitableCall, ManyMayFollowOneAnother) {
  MemoryWorld world;
  const auto server = world.Serve(Doubling(), {.server = {.workers = 0}});
  auto client = world.Connect<Double>();
  Gate done;
  CallInTurn(client, 5000, done);
  EXPECT_TRUE(done.Wait());
  EXPECT_EQ(client.call_counters().started, 5000u);
}

TEST(AwaitableCall, GoesOnAtOnceIfTheCallCannotBegin) {
  MemoryWorld world;
  Outcomes outcomes;
  auto client = world.Connect<Double>();
  CallOnce(client, {.timeout = absl::ZeroDuration()}, outcomes.Of(1));
  EXPECT_EQ(outcomes.Code(1), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(outcomes.threads().front(), std::this_thread::get_id());
}

TEST(AwaitableCall, EndsByItsDeadlineOrWhenItsCallerCancels) {
  MemoryWorld world;
  HeldServer server(world);
  Outcomes outcomes;
  auto client = world.Connect<Double>();
  std::stop_source cancel;
  CallOnce(client, {.cancellation = cancel.get_token()}, outcomes.Of(1));
  CallOnce(client, {.timeout = absl::Milliseconds(50)}, outcomes.Of(2));
  ASSERT_TRUE(server.WaitForCall());
  cancel.request_stop();
  ASSERT_TRUE(outcomes.WaitFor(2));
  EXPECT_EQ(outcomes.Code(1), absl::StatusCode::kCancelled);
  EXPECT_EQ(outcomes.Code(2), absl::StatusCode::kDeadlineExceeded);
}

template <typename Client>
Detached CallOn(Client& client, Loop& loop, std::function<void(Result)> then) {
  // An executor may be something that cannot be copied.
  auto post = [&loop, owned = std::make_unique<int>(0)](
                  std::coroutine_handle<> coroutine) { loop.Post(coroutine); };
  const Result first =
      co_await client.CallAwaitable(21).ResumeOn(std::move(post));
  then(first);
}

TEST(AwaitableCall, GoesOnWhereTheExecutorSays) {
  MemoryWorld world;
  Outcomes outcomes;
  const auto server = world.Serve(Doubling());
  auto client = world.Connect<Double>();
  {
    Loop loop;
    for (int i = 0; i < 100; ++i) CallOn(client, loop, outcomes.Of(i));
    ASSERT_TRUE(outcomes.WaitFor(100));
    for (const std::thread::id id : outcomes.threads()) {
      EXPECT_EQ(id, loop.id());
    }
  }
  for (int i = 0; i < 100; ++i) EXPECT_EQ(outcomes.Only(i).value(), 42);
}

TEST(AwaitableCall, EndsWithItsEndpoint) {
  MemoryWorld world;
  HeldServer server(world);
  Outcomes outcomes;
  {
    auto client = world.Connect<Double>();
    CallOnce(client, {}, outcomes.Of(1));
    ASSERT_TRUE(server.WaitForCall());
  }
  EXPECT_EQ(outcomes.Code(1), absl::StatusCode::kCancelled);
}

Detached AwaitStatus(MemoryEndpoint<Ping>& client, Gate& done) {
  const absl::Status status = co_await client.CallAwaitable();
  if (status.ok()) done.Open();
}

TEST(AwaitableCall, AMethodWithoutResultGivesAStatus) {
  MemoryWorld world;
  const auto server = world.Serve(Handle<Ping>([] {}));
  auto client = world.Connect<Ping>();
  Gate done;
  AwaitStatus(client, done);
  EXPECT_TRUE(done.Wait());
}

using Direct =
    RpcEndpoint<DirectTransport, DecimalSerializer, Fibonacci<std::uint64_t>>;

Detached AwaitDirect(Direct& endpoint, std::vector<std::uint64_t>& values) {
  values.push_back((co_await endpoint.CallAwaitable(10)).value());
  auto elsewhere = [](std::coroutine_handle<>) { std::terminate(); };
  values.push_back(
      (co_await endpoint.CallAwaitable(11).ResumeOn(elsewhere)).value());
}

TEST(AwaitableCall, WaitsForNothingOverATransportOfTheSameThread) {
  auto endpoint = Direct::Open();
  ASSERT_TRUE(endpoint.ok());
  std::vector<std::uint64_t> values;
  AwaitDirect(*endpoint, values);
  EXPECT_EQ(values, (std::vector<std::uint64_t>{55, 89}));
}

}  // namespace
}  // namespace rpc::testing

#endif  // RPC_HAS_COROUTINES
