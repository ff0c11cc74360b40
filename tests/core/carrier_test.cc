#include "rpc/core/carrier.h"

#include <atomic>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"
#include "rpc/core/call_options.h"
#include "rpc/core/cancellation.h"
#include "rpc/core/waiting_call.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/transport_policy.h"
#include "tests/core/recording_call.h"

namespace rpc::core {
namespace {

// Writes down what it is asked to do.
struct Script {
  std::vector<std::string> steps;
  // What submitting returns.
  absl::Status answer;
  // What happens while a caller runs it.
  std::function<void(const std::atomic<bool>& done)> run;
  CallEvents* events = nullptr;
  std::string last_id;
};

class Scripted {
 public:
  struct Options {
    Script* script;
  };
  explicit Scripted(Options options) : script_(*options.script) {}

  absl::Status StartCalls(CallEvents* events) {
    script_.events = events;
    script_.steps.push_back("start");
    return absl::OkStatus();
  }
  absl::Status Submit(Request request) {
    script_.steps.push_back("submit");
    script_.last_id = std::string(request.correlation_id.view());
    return script_.answer;
  }
  absl::Status SubmitAndRun(Request request, const std::atomic<bool>& done) {
    script_.steps.push_back("submit and run");
    script_.last_id = std::string(request.correlation_id.view());
    if (script_.run) script_.run(done);
    return script_.answer;
  }
  void Wake() { script_.steps.push_back("wake"); }

 private:
  Script& script_;
};

class CarrierTest : public ::testing::Test {
 protected:
  absl::Status Start(PendingCall* call, const std::atomic<bool>* done,
                     const CallOptions& options = {}) {
    cancellation_ = Cancellation::For(options);
    Request request;
    return carrier_.Start(std::move(request), call, cancellation_, done);
  }
  void ReplyToLast() {
    Reply reply;
    reply.correlation_id = std::string_view(script_.last_id);
    script_.events->OnReply(std::move(reply));
  }

  using Steps = std::vector<std::string>;

  std::shared_ptr<Cancellation> cancellation_;
  Script script_;
  Carrier<Scripted> carrier_{{&script_}, 10, {}};
  RecordingCall call_;
  RecordingCall other_;
  Waiting waiting_{1};
  WaitedCall waited_{&waiting_};
};

TEST_F(CarrierTest, StartsTheCallingHalfWithTheFirstCall) {
  ASSERT_TRUE(Start(&call_, nullptr).ok());
  ASSERT_TRUE(Start(&other_, nullptr).ok());
  EXPECT_EQ(script_.steps, (Steps{"start", "submit", "submit"}));
}

TEST_F(CarrierTest, ALoneCallerRunsTheTransport) {
  script_.run = [&](const std::atomic<bool>& done) {
    EXPECT_FALSE(done);
    ReplyToLast();
    EXPECT_TRUE(done);
  };
  ASSERT_TRUE(Start(&waited_, &waiting_.done()).ok());
  EXPECT_EQ(script_.steps, (Steps{"start", "submit and run"}));
  EXPECT_TRUE(waiting_.done());
}

TEST_F(CarrierTest, ACallerAmongOthersDoesNot) {
  ASSERT_TRUE(Start(&call_, nullptr).ok());
  ASSERT_TRUE(Start(&waited_, &waiting_.done()).ok());
  EXPECT_EQ(script_.steps, (Steps{"start", "submit", "submit"}));
}

TEST_F(CarrierTest, ALoneCallerWakesTheTransportForThoseWhoCameMeanwhile) {
  script_.run = [&](const std::atomic<bool>&) {
    ReplyToLast();
    ASSERT_TRUE(Start(&other_, nullptr).ok());
  };
  ASSERT_TRUE(Start(&waited_, &waiting_.done()).ok());
  EXPECT_EQ(script_.steps,
            (Steps{"start", "submit and run", "submit", "wake"}));
}

TEST_F(CarrierTest, WhoCancelsWakesWhoRunsTheTransport) {
  std::stop_source cancel;
  script_.run = [&](const std::atomic<bool>& done) {
    cancel.request_stop();
    EXPECT_TRUE(done);
  };
  ASSERT_TRUE(
      Start(&waited_, &waiting_.done(), {.cancellation = cancel.get_token()})
          .ok());
  EXPECT_EQ(script_.steps, (Steps{"start", "submit and run", "wake"}));
  EXPECT_TRUE(absl::IsCancelled(waited_.Take().status));
}

TEST_F(CarrierTest, WhoClosesTheCallsWakesWhoRunsTheTransport) {
  script_.run = [&](const std::atomic<bool>& done) {
    carrier_.pending().Close(absl::CancelledError("closed"));
    EXPECT_TRUE(done);
  };
  ASSERT_TRUE(Start(&waited_, &waiting_.done()).ok());
  EXPECT_EQ(script_.steps, (Steps{"start", "submit and run", "wake"}));
}

TEST_F(CarrierTest, ACallThatIsNotTakenIsNotPending) {
  script_.answer = absl::ResourceExhaustedError("full");
  for (const std::atomic<bool>* done :
       {static_cast<const std::atomic<bool>*>(nullptr), &waiting_.done()}) {
    const absl::Status status = Start(&waited_, done);
    EXPECT_TRUE(absl::IsResourceExhausted(status));
    EXPECT_FALSE(MayHaveRun(status));
  }
  EXPECT_EQ(carrier_.pending().in_flight(), 0u);
  EXPECT_FALSE(waiting_.done());
}

TEST_F(CarrierTest, ACallThatIsOverWasTaken) {
  script_.answer = absl::UnavailableError("late");
  script_.run = [&](const std::atomic<bool>&) { ReplyToLast(); };
  EXPECT_TRUE(Start(&waited_, &waiting_.done()).ok());
}

}  // namespace
}  // namespace rpc::core
