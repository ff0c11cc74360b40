#ifndef RPC_TESTS_ENDPOINT_LEAST_TRANSPORTS_H_
#define RPC_TESTS_ENDPOINT_LEAST_TRANSPORTS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "rpc/base/deadline.h"
#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/transport_policy.h"

// The least types that keep the transports' contract: an endpoint that works
// with them asks for no more.
namespace rpc::archetypes {

// Traits of its own that can be read as the library's.
struct LeastTraits {
  bool same_thread = false;
  // NOLINTNEXTLINE(google-explicit-constructor): what is tried here.
  constexpr operator TransportTraits() const {
    return {.same_thread = same_thread};
  }
};

// A description that can be read as a string.
struct LeastText {
  // NOLINTNEXTLINE(google-explicit-constructor): what is tried here.
  operator std::string() const { return "least"; }
};

// Calls its own endpoint's handler. Only moves.
class LeastSameThreadTransport {
 public:
  struct Options {};
  static constexpr LeastTraits kTraits = {.same_thread = true};

  explicit LeastSameThreadTransport(Options) {}
  LeastSameThreadTransport(LeastSameThreadTransport&&) = default;
  LeastSameThreadTransport& operator=(LeastSameThreadTransport&&) = delete;

  absl::Status Open(Deadline) { return absl::OkStatus(); }
  LeastText Describe() const { return {}; }
  template <typename Serve>
  absl::Status Exchange(std::string_view method, std::string_view body,
                        Serve&& serve) {
    return serve(method, body);
  }
};

// Carries a request to the server of its own endpoint, on the thread that
// submits it. Cannot be moved.
class LeastTransport : private Delivery::Origin {
 public:
  struct Options {};
  static constexpr LeastTraits kTraits = {};

  explicit LeastTransport(Options) {}
  LeastTransport(const LeastTransport&) = delete;
  LeastTransport& operator=(const LeastTransport&) = delete;
  virtual ~LeastTransport() = default;

  absl::Status Open(Deadline) { return absl::OkStatus(); }
  LeastText Describe() const { return {}; }

  absl::Status StartCalls(CallEvents* events) {
    calls_ = events;
    return absl::OkStatus();
  }
  absl::Status Submit(Request request) {
    if (server_ == nullptr) return absl::UnavailableError("nobody serves");
    if (!calls_->Claim(request.correlation_id)) return absl::OkStatus();
    request.reply_to = "here";
    server_->OnDelivery(Delivery(std::move(request), {}, this, 0));
    return absl::OkStatus();
  }

  absl::Status StartServing(ServerEvents* events, ServingOptions) {
    server_ = events;
    events->OnServing();
    return absl::OkStatus();
  }
  absl::Status StopServing(Deadline) { return absl::OkStatus(); }
  absl::Status Flush(Deadline) { return absl::OkStatus(); }

 private:
  void Settle(std::uint64_t, const Request&, Settlement,
              Reply* reply) override {
    if (reply != nullptr) calls_->OnReply(*reply);
  }

  CallEvents* calls_ = nullptr;
  ServerEvents* server_ = nullptr;
};

}  // namespace rpc::archetypes

#endif  // RPC_TESTS_ENDPOINT_LEAST_TRANSPORTS_H_
