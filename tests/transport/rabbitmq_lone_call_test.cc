#include <algorithm>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"
#include "rpc/core/pending_calls.h"
#include "rpc/message/correlation_id.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/support/broker.h"
#include "tests/support/private_broker.h"
#include "tests/support/recording_server.h"

namespace rpc::testing {
namespace {

static_assert(RunsOnCaller<RabbitMqTransport>);

constexpr absl::Duration kPatience = absl::Seconds(20);
// Less than the loop stays free that nobody runs.
constexpr absl::Duration kPrompt = absl::Milliseconds(15);

RabbitMqOptions At(const std::string& url, const std::string& what) {
  RabbitMqOptions options;
  options.url = url;
  options.topology = TutorialQueue(UniqueName(what));
  return options;
}

std::unique_ptr<RabbitMqTransport> Open(const RabbitMqOptions& options) {
  auto transport = std::make_unique<RabbitMqTransport>(options);
  const absl::Status opened = transport->Open(Deadline::After(kPatience));
  EXPECT_TRUE(opened.ok()) << opened;
  return transport;
}

// A call whose thread waits for it.
struct Call final : core::PendingCall {
  void Complete(Reply&& outcome) override {
    reply = std::move(outcome);
    completed_by = std::this_thread::get_id();
    done.store(true, std::memory_order_release);
    done.notify_one();
  }
  void Wait() const { done.wait(false, std::memory_order_acquire); }

  Reply reply;
  std::thread::id completed_by;
  CorrelationId id;
  std::atomic<bool> done{false};
};

// Calls as an endpoint does.
class Client {
 public:
  explicit Client(const RabbitMqOptions& options) : transport_(Open(options)) {
    const absl::Status started = transport_->StartCalls(&pending_);
    EXPECT_TRUE(started.ok()) << started;
  }

  RabbitMqTransport& transport() { return *transport_; }
  core::PendingCalls& pending() { return pending_; }
  void Destroy() { transport_.reset(); }

  // Makes it pending.
  Request Add(Call& call, std::string_view body,
              absl::Duration timeout = kPatience) {
    Request request;
    request.deadline = Deadline::After(timeout);
    request.body = body;
    call.id = *pending_.Add(&call, request.deadline);
    const auto text = call.id.Text();
    request.correlation_id = std::string_view(text.data(), text.size());
    return request;
  }

  void Submit(Call& call, std::string_view body) {
    Submitted(call, transport_->Submit(Add(call, body)));
  }
  // Returns when the call is over, for whatever reason.
  void Run(Call& call, std::string_view body) { Run(call, Add(call, body)); }
  void Run(Call& call, Request request) {
    Submitted(call, transport_->SubmitAndRun(std::move(request), call.done));
    if (pending_.in_flight() > 0) transport_->Wake();
    call.Wait();
  }
  // True if the reply came on the calling thread.
  bool RunsHere(std::string_view body) {
    Call call;
    Run(call, body);
    EXPECT_TRUE(call.reply.status.ok()) << call.reply.status;
    EXPECT_EQ(call.reply.body.view(), body);
    return call.completed_by == std::this_thread::get_id();
  }

 private:
  void Submitted(Call& call, const absl::Status& status) {
    if (!status.ok() && pending_.Remove(call.id)) {
      call.Complete({.status = status});
    }
  }

  core::PendingCalls pending_{1000};
  std::unique_ptr<RabbitMqTransport> transport_;
};

// Answers each request with its body, but "hold" only at the end.
class EchoServer {
 public:
  explicit EchoServer(const RabbitMqOptions& options)
      : transport_(Open(options)) {
    const absl::Status started =
        transport_->StartServing(&server_, {.prefetch = 100});
    EXPECT_TRUE(started.ok()) << started;
    EXPECT_TRUE(server_.WaitForServing(kPatience));
  }
  ~EchoServer() {
    transport_->StopServing(Deadline::After(kPatience)).IgnoreError();
    Release();
    transport_->Flush(Deadline::After(kPatience)).IgnoreError();
  }

  bool WaitForRequests(std::size_t count) {
    return server_.WaitForDeliveries(count, kPatience);
  }
  // Where the last reply went: with each connection of a client's another.
  std::string reply_to() {
    const std::lock_guard lock(mutex_);
    return reply_to_;
  }
  void Release() {
    const std::lock_guard lock(mutex_);
    for (Delivery& each : held_) std::move(each).Answer({});
    held_.clear();
  }

 private:
  void Handle(Delivery delivery) {
    {
      const std::lock_guard lock(mutex_);
      reply_to_ = std::string(delivery.request().reply_to.view());
      if (delivery.request().body.view() == "hold") {
        held_.push_back(std::move(delivery));
        return;
      }
    }
    Reply reply;
    reply.body = delivery.request().body.view();
    std::move(delivery).Answer(std::move(reply));
  }

  std::mutex mutex_;
  std::string reply_to_;
  std::vector<Delivery> held_;
  RecordingServer server_{[this](Delivery d) { Handle(std::move(d)); }};
  std::unique_ptr<RabbitMqTransport> transport_;
};

struct RabbitMqLoneCall : ::testing::Test {
  RabbitMqOptions options = At(BrokerUrl(), "lone-call");
  EchoServer server{options};
};

TEST_F(RabbitMqLoneCall, IsAnsweredOnItsOwnThread) {
  Client client(options);
  client.RunsHere("whether the loop is lent is not known yet");
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(client.RunsHere(std::to_string(i))) << i;
  }
}

TEST_F(RabbitMqLoneCall, ThatIsRefusedGivesTheLoopBack) {
  options.max_body_bytes = 100;
  Client client(options);
  for (int i = 0; i < 10; ++i) {
    Call large;
    client.Run(large, std::string(101, 'x'));
    EXPECT_EQ(large.reply.status.code(), absl::StatusCode::kResourceExhausted);
    client.RunsHere("55");
  }
}

TEST_F(RabbitMqLoneCall, ServesTheCallsOfOtherThreads) {
  Client client(options);
  Call held;
  std::thread caller([&] { client.Run(held, "hold"); });
  ASSERT_TRUE(server.WaitForRequests(1));
  for (int i = 0; i < 100; ++i) {
    Call other;
    client.Submit(other, std::to_string(i));
    other.Wait();
    EXPECT_EQ(other.reply.body.view(), std::to_string(i));
  }
  server.Release();
  caller.join();
  EXPECT_TRUE(held.reply.status.ok()) << held.reply.status;
}

TEST_F(RabbitMqLoneCall, LeavesTheCallsOfOthersToTheIoThread) {
  Client client(options);
  for (int i = 0; i < 20; ++i) {
    Call held, lone;
    client.Submit(held, "hold");
    ASSERT_TRUE(server.WaitForRequests(static_cast<std::size_t>(2 * i + 1)));
    client.Run(lone, "55");
    server.Release();
    held.Wait();
    EXPECT_NE(held.completed_by, std::this_thread::get_id());
  }
}

TEST_F(RabbitMqLoneCall, IsFollowedByOthersWithoutDelay) {
  Client client(options);
  absl::Duration fastest = absl::InfiniteDuration();
  for (int i = 0; i < 50; ++i) {
    client.RunsHere("55");
    const absl::Time begin = absl::Now();
    Call next;
    client.Submit(next, "89");
    next.Wait();
    fastest = std::min(fastest, absl::Now() - begin);
  }
  EXPECT_LT(fastest, kPrompt);
}

TEST_F(RabbitMqLoneCall, EndsWhenAnotherThreadCancelsIt) {
  Client client(options);
  for (int i = 0; i < 10; ++i) {
    Call held;
    Request request = client.Add(held, "hold");
    std::thread caller([&] { client.Run(held, std::move(request)); });
    ASSERT_TRUE(server.WaitForRequests(static_cast<std::size_t>(i + 1)));
    client.pending().Cancel(held.id);
    client.transport().Wake();
    caller.join();
    EXPECT_EQ(held.reply.status.code(), absl::StatusCode::kCancelled);
  }
}

TEST_F(RabbitMqLoneCall, EndsByItsDeadline) {
  Client client(options);
  client.RunsHere("55");
  Call held;
  const absl::Time begin = absl::Now();
  client.Run(held, client.Add(held, "hold", absl::Milliseconds(50)));
  EXPECT_LT(absl::Now() - begin, absl::Seconds(1));
  EXPECT_EQ(held.reply.status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(held.completed_by, std::this_thread::get_id());
}

TEST_F(RabbitMqLoneCall, LeavesAnIdleConnectionUp) {
  options.heartbeat = absl::Seconds(1);
  Client client(options);
  for (int i = 0; i < 10; ++i) client.RunsHere("55");
  const std::string reply_to = server.reply_to();
  EXPECT_NE(reply_to, "");
  // What is to be seen is what does not happen: that the broker, which hears
  // nothing for two heartbeats, ends it.
  absl::SleepFor(absl::Seconds(4));
  client.RunsHere("89");
  EXPECT_EQ(server.reply_to(), reply_to);
}

TEST_F(RabbitMqLoneCall, DoesNotRunATransportThatServes) {
  RecordingServer events;
  Client client(options);
  RabbitMqTransport& transport = client.transport();
  client.RunsHere("55");
  ASSERT_TRUE(transport.StartServing(&events, {.prefetch = 1}).ok());
  ASSERT_TRUE(events.WaitForServing(kPatience));
  // Or it would have to answer its own calls.
  ASSERT_TRUE(transport.StopServing(Deadline::After(kPatience)).ok());
  events.DropAll();
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(client.RunsHere("55"));
  EXPECT_TRUE(transport.Flush(Deadline::After(kPatience)).ok());
}

TEST_F(RabbitMqLoneCall, LeavesATransportThatEndsInTime) {
  for (int i = 0; i < 5; ++i) {
    Client client(options);
    for (int call = 0; call < 10; ++call) client.RunsHere("55");
    const absl::Time begin = absl::Now();
    client.Destroy();
    EXPECT_LT(absl::Now() - begin, absl::Seconds(1));
  }
}

TEST_F(RabbitMqLoneCall, IsNoneAmongManyAndAllAreAnswered) {
  Client client(options);
  std::atomic<int> answered{0};
  std::vector<std::thread> threads;
  for (int caller = 0; caller < 4; ++caller) {
    threads.emplace_back([&, caller] {
      for (int i = 0; i < 200; ++i) {
        const std::string body = std::to_string(caller * 1000 + i);
        Call call;
        if ((i + caller) % 5 == 0) {
          client.Submit(call, body);
          call.Wait();
        } else {
          client.Run(call, body);
        }
        EXPECT_EQ(call.reply.body.view(), body) << call.reply.status;
        ++answered;
        if (i % 3 == caller) client.transport().Wake();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered, 800);
}

TEST(RabbitMqLoneCallRecovery, IsLostWithItsConnectionAndTheNextIsAnswered) {
  const auto broker = PrivateBroker::Start();
  ASSERT_TRUE(broker.ok()) << broker.status();
  const RabbitMqOptions options = At((*broker)->url(), "lost");
  EchoServer server(options);
  Client client(options);
  Call held;
  std::thread caller([&] { client.Run(held, "hold"); });
  ASSERT_TRUE(server.WaitForRequests(1));
  const auto closed = (*broker)->Ctl({"close_all_connections", "maintenance"});
  EXPECT_TRUE(closed.ok()) << closed.status();
  caller.join();
  EXPECT_EQ(held.reply.status.code(), absl::StatusCode::kUnavailable)
      << held.reply.status;
  // The first of these may find it down, which then the I/O thread mends.
  client.RunsHere("55");
  EXPECT_TRUE(client.RunsHere("89"));
}

}  // namespace
}  // namespace rpc::testing
