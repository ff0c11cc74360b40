#ifndef RPC_CORE_CANCELLATION_H_
#define RPC_CORE_CANCELLATION_H_

#include <memory>
#include <optional>
#include <stop_token>
#include <utility>

#include "rpc/core/call_options.h"
#include "rpc/core/pending_calls.h"
#include "rpc/message/correlation_id.h"

namespace rpc::core {

// Cancels a pending call when its caller or its parent's caller asks for it.
// Armed once, when the call's id is known; disarmed by its destructor. Shared,
// because a call may be over, and whoever made it gone, while it is armed.
class Cancellation {
 public:
  // Who may ask for it.
  struct Tokens {
    std::stop_token own;
    std::stop_token parents;
  };

  explicit Cancellation(Tokens tokens) : tokens_(std::move(tokens)) {}

  // Null where nobody can ask.
  static std::shared_ptr<Cancellation> For(Tokens tokens) {
    const bool is_possible =
        tokens.own.stop_possible() || tokens.parents.stop_possible();
    if (!is_possible) return nullptr;
    return std::make_shared<Cancellation>(std::move(tokens));
  }
  static std::shared_ptr<Cancellation> For(const CallOptions& options) {
    return For({options.cancellation, options.parent == nullptr
                                          ? std::stop_token()
                                          : options.parent->cancellation});
  }

  const Tokens& tokens() const { return tokens_; }

  void Arm(PendingCalls* pending, CorrelationId id) {
    own_.emplace(tokens_.own, Cancel{pending, id});
    parents_.emplace(tokens_.parents, Cancel{pending, id});
  }

 private:
  struct Cancel {
    PendingCalls* pending;
    CorrelationId id;
    void operator()() const { pending->Cancel(id); }
  };

  const Tokens tokens_;
  std::optional<std::stop_callback<Cancel>> own_;
  std::optional<std::stop_callback<Cancel>> parents_;
};

}  // namespace rpc::core

#endif  // RPC_CORE_CANCELLATION_H_
