#ifndef RPC_TESTS_CORE_RECORDING_CALL_H_
#define RPC_TESTS_CORE_RECORDING_CALL_H_

#include <atomic>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "rpc/core/pending_calls.h"
#include "rpc/message/correlation_id.h"
#include "rpc/message/envelope.h"

namespace rpc::core {

// A pending call that counts how often it ends.
class RecordingCall final : public PendingCall {
 public:
  void Complete(Reply&& reply) override {
    reply_ = std::move(reply);
    times_.fetch_add(1, std::memory_order_release);
  }

  int times() const { return times_.load(std::memory_order_acquire); }
  // Of the last time, and only if there was one.
  const Reply& reply() const { return reply_; }
  const absl::Status& status() const { return reply_.status; }

 private:
  Reply reply_;
  std::atomic<int> times_ = 0;
};

inline std::string TextOf(CorrelationId id) {
  const auto text = id.Text();
  return std::string(text.data(), text.size());
}

inline Reply ReplyTo(CorrelationId id, const char* body = "") {
  Reply reply;
  reply.correlation_id = std::string_view(TextOf(id));
  reply.body = body;
  return reply;
}

}  // namespace rpc::core

#endif  // RPC_TESTS_CORE_RECORDING_CALL_H_
