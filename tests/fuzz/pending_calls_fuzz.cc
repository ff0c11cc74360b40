#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/core/deadline_wheel.h"
#include "rpc/core/pending_calls.h"
#include "rpc/message/correlation_id.h"
#include "rpc/message/envelope.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/require.h"

// Calls that begin, and replies with ids that a peer makes up, in any order.
namespace rpc::core {
namespace {

using ::rpc::fuzz::Input;
using ::rpc::fuzz::Require;

constexpr std::size_t kMaxInFlight = 16;
constexpr TimePoint kStart = TimePoint(std::chrono::hours(1));
// A call ends at most a tick after its deadline.
constexpr Clock::duration kTick = DeadlineWheel::kTick;

class Call final : public PendingCall {
 public:
  void Complete(Reply&& reply) override {
    Require(!ended, "a call ends once");
    ended = true;
    status = reply.status;
  }

  CorrelationId id = {};
  Deadline deadline;
  bool claimed = false;
  bool removed = false;
  bool ended = false;
  absl::Status status;

  bool over() const { return ended || removed; }
};

class Calls {
 public:
  void Run(Input input) {
    while (!input.empty()) Step(input);
    pending_.Close(absl::CancelledError("the end"));
    for (const Call& call : calls_) Require(call.over(), "each call ends");
    Require(pending_.in_flight() == 0, "none is left");
    Require(!pending_.Add(&late_, Deadline()).ok(), "none begins any more");
  }

 private:
  void Step(Input& input) {
    switch (input.Below(9)) {
      case 0:
      case 1:
        Add(input);
        break;
      case 2:
        Answer(input);
        break;
      case 3:
        AnswerMany(input);
        break;
      case 4:
        Cancel(input);
        break;
      case 5:
        Remove(input);
        break;
      case 6:
        Claim(input);
        break;
      case 7:
        Advance(input);
        break;
      default:
        Lose(input);
    }
    CheckCount();
  }

  void CheckCount() {
    std::size_t open = 0;
    for (const Call& call : calls_) open += call.over() ? 0 : 1;
    Require(pending_.in_flight() == open, "pending calls are counted");
  }

  void Add(Input& input) {
    Call& call = calls_.emplace_back();
    const auto milliseconds = input.Take<std::uint16_t>();
    if (milliseconds != 0) {
      call.deadline = Deadline(now_ + std::chrono::milliseconds(milliseconds));
    }
    const bool has_room = pending_.in_flight() < kMaxInFlight;
    const auto id = pending_.Add(&call, call.deadline);
    Require(id.ok() == has_room, "a call begins where there is room");
    if (!id.ok()) return calls_.pop_back();
    call.id = *id;
  }

  // One of all that ever began; null if none did.
  Call* Pick(Input& input) {
    const auto index = input.Take<std::uint8_t>();
    return calls_.empty() ? nullptr : &calls_[index % calls_.size()];
  }

  // The id of a call, damaged or not, or any text; and whose it is.
  Call* PickId(Input& input, std::string* text) {
    const unsigned kind = input.Below(4);
    if (kind == 0) {
      *text = input.Text();
      return nullptr;
    }
    Call* call = Pick(input);
    if (call == nullptr) return nullptr;
    const auto id = call->id.Text();
    text->assign(id.data(), id.size());
    if (kind != 1) return call;
    const std::string whole = *text;
    (*text)[input.Below(CorrelationId::kTextSize)] =
        static_cast<char>(input.Take<std::uint8_t>());
    return *text == whole ? call : nullptr;
  }

  Reply MakeReply(Input& input, Call** call) {
    std::string text;
    *call = PickId(input, &text);
    Reply reply;
    reply.correlation_id = std::string_view(text);
    return reply;
  }

  void Answer(Input& input) {
    Call* call = nullptr;
    Reply reply = MakeReply(input, &call);
    const bool is_known = call != nullptr && !call->over();
    ExpectUnknown(is_known ? 0 : 1,
                  [&] { pending_.OnReply(std::move(reply)); });
    Require(!is_known || call->ended, "a reply ends its call");
  }

  void AnswerMany(Input& input) {
    std::vector<Reply> replies(input.Below(100));
    for (Reply& reply : replies) {
      Call* call = nullptr;
      reply = MakeReply(input, &call);
    }
    pending_.OnReplies(replies);
  }

  template <typename Run>
  void ExpectUnknown(std::uint64_t count, Run run) {
    const std::uint64_t before = pending_.counters().unknown_replies;
    run();
    Require(pending_.counters().unknown_replies == before + count,
            "replies that no call waits for are counted");
  }

  void Cancel(Input& input) {
    Call* call = Pick(input);
    if (call == nullptr) return;
    const bool was_over = call->over();
    pending_.Cancel(call->id);
    Require(call->over(), "a cancelled call is over");
    if (was_over) return;
    Require(absl::IsCancelled(call->status), "it was cancelled");
    CheckMayHaveRun(*call);
  }

  void Remove(Input& input) {
    Call* call = Pick(input);
    if (call == nullptr) return;
    const bool was_over = call->over();
    Require(pending_.Remove(call->id) == !was_over,
            "what is not over can be removed");
    if (!was_over) call->removed = true;
  }

  void Claim(Input& input) {
    std::string text;
    Call* call = PickId(input, &text);
    const bool is_known = call != nullptr && !call->over();
    Require(pending_.Claim(text) == is_known, "what is not over is claimed");
    if (is_known) call->claimed = true;
  }

  void Advance(Input& input) {
    now_ += std::chrono::milliseconds(input.Take<std::uint16_t>());
    std::vector<const Call*> open;
    for (const Call& call : calls_) {
      if (!call.over()) open.push_back(&call);
    }
    const TimePoint next = pending_.OnTime(now_);
    for (const Call* call : open) CheckTime(*call, next);
  }

  void CheckTime(const Call& call, TimePoint next) {
    if (!call.ended) {
      Require(now_ < call.deadline.at() + kTick, "a call ends in time");
      Require(next <= call.deadline.at() + kTick, "it will be looked at");
      return;
    }
    Require(now_ >= call.deadline.at(), "no call ends early");
    Require(absl::IsDeadlineExceeded(call.status), "the deadline passed");
    CheckMayHaveRun(call);
  }

  void Lose(Input& input) {
    const absl::Status status = absl::UnavailableError("lost");
    if (input.Flag()) {
      pending_.OnLost(status);
      for (const Call& call : calls_) {
        Require(call.over() || !call.claimed, "claimed calls are lost");
      }
      return;
    }
    pending_.OnRefused(status);
    for (const Call& call : calls_) Require(call.over(), "all are refused");
  }

  static void CheckMayHaveRun(const Call& call) {
    Require(MayHaveRun(call.status) == call.claimed,
            "what was not claimed has not run");
  }

  std::deque<Call> calls_;
  Call late_;
  TimePoint now_ = kStart;
  PendingCalls pending_{kMaxInFlight};
};

}  // namespace
}  // namespace rpc::core

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  rpc::core::Calls().Run(rpc::fuzz::Input(data, size));
  return 0;
}
