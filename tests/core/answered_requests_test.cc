#include "rpc/core/answered_requests.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/core/server.h"
#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"
#include "rpc/message/server_context.h"
#include "tests/core/gate.h"
#include "tests/core/settlements.h"

namespace rpc::core {
namespace {

using ::rpc::testing::Gate;
using ::rpc::testing::kPatience;
using ::rpc::testing::Settlements;

Request Of(std::string_view id, std::string_view body = "body") {
  Request request;
  request.message_id = id;
  request.body = body;
  return request;
}

// Answers each request with its body and the number of the run. That of "held"
// is held first; that of "bad" fails.
class AnsweredRequestsTest : public ::testing::Test {
 protected:
  Server& Start(ServerOptions options) {
    return server_.emplace(options,
                           [this](const ServerContext&, const Request& request,
                                  Reply& reply) { Handle(request, reply); });
  }
  // On the thread that delivers.
  Server& Remembering(std::size_t answers) {
    return Start({.workers = 0, .remember_answers = answers});
  }

  void Handle(const Request& request, Reply& reply) {
    const int run = ++runs_;
    if (request.body == "held") {
      entered_.Open();
      leave_.Wait();
    }
    if (request.body == "bad" || fails_ > 0) {
      if (fails_ > 0) --fails_;
      reply.status = absl::UnavailableError("not now");
      return;
    }
    reply.content_type = "of the result";
    reply.body = std::string(request.body.view()) + std::to_string(run);
  }

  // How it is answered; the token is the correlation id, too.
  std::string Answer(const Request& request) {
    Deliver(request);
    return AnswerOf(token_);
  }
  void Deliver(const Request& request) { Deliver(request, ++token_); }
  void Deliver(Request request, std::uint64_t token,
               Delivery::Facts facts = {}) {
    request.correlation_id = std::string_view(std::to_string(token));
    server_->OnDelivery(settlements_.Deliver(token, request, facts));
  }
  std::string AnswerOf(std::uint64_t token) {
    const auto settled = settlements_.Of(token);
    if (!settled.has_value()) return "not settled";
    EXPECT_EQ(settled->settlement, Settlement::kAck);
    EXPECT_EQ(settled->reply->correlation_id, std::to_string(token));
    if (!settled->reply->status.ok()) return settled->reply->status.ToString();
    EXPECT_EQ(settled->reply->content_type, "of the result");
    return std::string(settled->reply->body.view());
  }

  // Delivers request 1 and keeps it, until it is let go.
  void Hold() {
    ASSERT_EQ(token_, 0u);
    token_ = 1;
    holder_ = std::jthread([this] { Deliver(Of("id", "held"), 1); });
    ASSERT_TRUE(entered_.Wait());
  }
  void LetGo() {
    leave_.Open();
    holder_.join();
  }

  Settlements settlements_;
  std::uint64_t token_ = 0;
  std::atomic<int> runs_ = 0;
  std::atomic<int> fails_ = 0;
  Gate entered_, leave_;
  std::optional<Server> server_;
  std::jthread holder_;
};

TEST_F(AnsweredRequestsTest, ADuplicateGetsTheSameResultAndIsNotRun) {
  Server& server = Remembering(10);
  EXPECT_EQ(Answer(Of("id")), "body1");
  EXPECT_EQ(Answer(Of("id")), "body1");
  Deliver(Of("id"), 3, {.redelivered = true});
  EXPECT_EQ(AnswerOf(3), "body1");
  EXPECT_EQ(runs_, 1);
  EXPECT_EQ(server.counters().succeeded, 1u);
  EXPECT_EQ(server.counters().duplicates, 2u);
  EXPECT_EQ(server.counters().redelivered, 1u);
}

TEST_F(AnsweredRequestsTest, NothingIsRememberedUnlessAskedFor) {
  Server& server = Start({.workers = 0});
  EXPECT_EQ(Answer(Of("id")), "body1");
  EXPECT_EQ(Answer(Of("id")), "body2");
  EXPECT_EQ(server.counters().duplicates, 0u);
}

TEST_F(AnsweredRequestsTest, ARequestWithoutAnIdIsAlwaysRun) {
  Remembering(10);
  EXPECT_EQ(Answer(Of("")), "body1");
  EXPECT_EQ(Answer(Of("")), "body2");
}

TEST_F(AnsweredRequestsTest, AnotherRequestUnderTheSameIdIsRun) {
  Server& server = Remembering(10);
  EXPECT_EQ(Answer(Of("id")), "body1");
  EXPECT_EQ(Answer(Of("id", "other")), "other2");
  Request method = Of("id");
  method.method = "m";
  EXPECT_EQ(Answer(method), "body3");
  Request type = Of("id");
  type.content_type = "m";
  EXPECT_EQ(Answer(type), "body4");
  Request metadata = Of("id");
  metadata.metadata = {{"user", "another"}};
  EXPECT_EQ(Answer(metadata), "body5");
  metadata.metadata = {{"usera", "nother"}};
  EXPECT_EQ(Answer(metadata), "body6");
  metadata.metadata = {{"usera", "body"}};
  EXPECT_EQ(Answer(metadata), "body7");
  EXPECT_EQ(Answer(Of("id2")), "body8");
  EXPECT_EQ(server.counters().duplicates, 0u);
  // Those that differ in nothing else.
  Request again = Of("id");
  again.attempt = 2;
  again.deadline = Deadline::After(kPatience);
  EXPECT_EQ(Answer(again), "body1");
}

TEST_F(AnsweredRequestsTest, AFailureIsNotRemembered) {
  Remembering(10);
  Answer(Of("id", "bad"));
  Answer(Of("id", "bad"));
  EXPECT_EQ(runs_, 2);
  fails_ = 1;
  Answer(Of("id"));
  EXPECT_EQ(Answer(Of("id")), "body4");
  EXPECT_EQ(Answer(Of("id")), "body4");
}

TEST_F(AnsweredRequestsTest, TheOldestIsForgottenFirst) {
  Remembering(2);
  EXPECT_EQ(Answer(Of("a")), "body1");
  EXPECT_EQ(Answer(Of("b")), "body2");
  EXPECT_EQ(Answer(Of("a")), "body1");
  EXPECT_EQ(Answer(Of("c")), "body3");
  EXPECT_EQ(Answer(Of("b")), "body2");
  EXPECT_EQ(Answer(Of("c")), "body3");
  EXPECT_EQ(Answer(Of("a")), "body4");
  EXPECT_EQ(Answer(Of("b")), "body5");
}

TEST_F(AnsweredRequestsTest, BytesAreBounded) {
  Start({.workers = 0, .remember_answers = 10, .remember_bytes = 1000});
  const std::string small(150, 's');  // counts twice: request and result
  EXPECT_EQ(Answer(Of("a", small)), small + "1");
  EXPECT_EQ(Answer(Of("b", small)), small + "2");
  EXPECT_EQ(Answer(Of("c", small)), small + "3");
  EXPECT_EQ(Answer(Of("a", small)), small + "1");
  EXPECT_EQ(Answer(Of("d", small)), small + "4");
  EXPECT_EQ(Answer(Of("b", small)), small + "2");
  EXPECT_EQ(Answer(Of("a", small)), small + "5");
  // What does not fit at all drives nothing out.
  const std::string large(500, 'l');
  EXPECT_EQ(Answer(Of("e", large)), large + "6");
  EXPECT_EQ(Answer(Of("e", large)), large + "7");
  EXPECT_EQ(Answer(Of("a", small)), small + "5");
}

TEST_F(AnsweredRequestsTest, ADuplicateOfOneThatRunsGetsItsResult) {
  Server& server = Remembering(1);
  Hold();
  // Neither keeps the thread that delivers it.
  EXPECT_EQ(Answer(Of("id", "held")), "not settled");
  EXPECT_EQ(Answer(Of("id", "held")), "not settled");
  EXPECT_EQ(Answer(Of("other")), "body2");
  LetGo();
  for (std::uint64_t token = 1; token <= 3; ++token) {
    EXPECT_EQ(AnswerOf(token), "held1") << token;
  }
  EXPECT_EQ(runs_, 2);
  EXPECT_EQ(server.counters().duplicates, 2u);
}

TEST_F(AnsweredRequestsTest, ThoseThatWaitGetAResultThatIsTooLargeToKeep) {
  Start({.workers = 0, .remember_answers = 1, .remember_bytes = 1});
  Hold();
  EXPECT_EQ(Answer(Of("id", "held")), "not settled");
  LetGo();
  EXPECT_EQ(AnswerOf(1), "held1");
  EXPECT_EQ(AnswerOf(2), "held1");
}

TEST_F(AnsweredRequestsTest, IfTheFirstFailsTheNextIsRun) {
  Server& server = Remembering(1);
  Hold();
  EXPECT_EQ(Answer(Of("id", "held")), "not settled");
  EXPECT_EQ(Answer(Of("id", "held")), "not settled");
  EXPECT_EQ(Answer(Of("id", "held")), "not settled");
  fails_ = 2;
  LetGo();
  EXPECT_EQ(AnswerOf(1), "UNAVAILABLE: not now");
  EXPECT_EQ(AnswerOf(2), "UNAVAILABLE: not now");
  EXPECT_EQ(AnswerOf(3), "held3");
  EXPECT_EQ(AnswerOf(4), "held3");
  EXPECT_EQ(server.counters().duplicates, 1u);
}

TEST_F(AnsweredRequestsTest, NoMoreWaitThanMaxWaiting) {
  Server& server =
      Start({.workers = 0, .max_waiting = 1, .remember_answers = 1});
  Hold();
  EXPECT_EQ(Answer(Of("id", "held")), "not settled");
  for (int i = 0; i < 2; ++i) {
    Deliver(Of("id", "held"));
    const auto refused = settlements_.Of(token_);
    ASSERT_TRUE(refused.has_value());
    EXPECT_TRUE(absl::IsResourceExhausted(refused->reply->status));
    EXPECT_TRUE(RetryAfter(refused->reply->status).has_value());
    EXPECT_FALSE(MayHaveRun(refused->reply->status));
  }
  EXPECT_EQ(server.counters().overloaded, 2u);
  LetGo();
  EXPECT_EQ(AnswerOf(2), "held1");
  // There is room again.
  EXPECT_EQ(Answer(Of("id", "held")), "held1");
}

TEST_F(AnsweredRequestsTest, AStopGivesBackWhatWaitedForAFailure) {
  Server& server = Remembering(1);
  Hold();
  EXPECT_EQ(Answer(Of("id", "held")), "not settled");
  EXPECT_TRUE(server.Drain(Deadline::After(kPatience)).ok());
  fails_ = 1;
  LetGo();
  EXPECT_EQ(AnswerOf(1), "UNAVAILABLE: not now");
  EXPECT_EQ(settlements_.SettlementOf(2), Settlement::kRequeue);
}

TEST_F(AnsweredRequestsTest, EachIsRunOnceUnderLoad) {
  constexpr int kRequests = 2000;
  Server& server = Start({.workers = 3, .remember_answers = kRequests});
  for (int i = 0; i < kRequests; ++i) {
    for (int copy = 0; copy < 3; ++copy) Deliver(Of(std::to_string(i)));
  }
  while (server.counters().succeeded + server.counters().duplicates < token_) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(server.Drain(Deadline::After(kPatience)).ok());
  EXPECT_EQ(runs_, kRequests);
  EXPECT_EQ(server.counters().duplicates, 2u * kRequests);
  for (std::uint64_t token = 1; token <= token_; token += 3) {
    EXPECT_EQ(AnswerOf(token), AnswerOf(token + 1));
    EXPECT_EQ(AnswerOf(token), AnswerOf(token + 2));
  }
}

}  // namespace
}  // namespace rpc::core
