#ifndef RPC_CORE_CARRIER_H_
#define RPC_CORE_CARRIER_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/core/cancellation.h"
#include "rpc/core/pending_calls.h"
#include "rpc/message/correlation_id.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/transport_policy.h"

namespace rpc::core {

// One transport of an endpoint's, with the calls that it carries. Thread-safe
// once the transport is open.
template <typename Transport>
class Carrier {
 public:
  // `completed`: see PendingCalls.
  Carrier(typename Transport::Options options, std::size_t max_in_flight,
          std::function<void()> completed)
      : pending_(max_in_flight, {.completed = std::move(completed),
                                 .ended_from_outside = [this] { Wake(); }}),
        transport_(std::in_place, std::move(options)) {}
  Carrier(const Carrier&) = delete;
  Carrier& operator=(const Carrier&) = delete;

  Transport& transport() { return *transport_; }
  const Transport& transport() const { return *transport_; }
  PendingCalls& pending() { return pending_; }
  const PendingCalls& pending() const { return pending_; }

  // Not OK: `call` is not pending and will not be completed. Where a thread
  // waits until `done`, and this is the only call under way, that thread may
  // run the transport meanwhile.
  absl::Status Start(Request&& request, PendingCall* call,
                     const std::shared_ptr<Cancellation>& cancellation,
                     const std::atomic<bool>* done) {
    const absl::StatusOr<CorrelationId> id =
        pending_.Add(call, request.deadline);
    if (!id.ok()) return id.status();
    if (cancellation != nullptr) cancellation->Arm(&pending_, *id);
    const auto text = id->Text();
    request.correlation_id = std::string_view(text.data(), text.size());
    // Not before the call is pending: a closing endpoint refuses that, and its
    // transport is left alone.
    absl::Status submitted = StartCalls();
    if (submitted.ok()) submitted = Submit(std::move(request), done);
    // A call that is over by now was completed, and has its outcome.
    if (submitted.ok() || !pending_.Remove(*id)) return absl::OkStatus();
    return NotRun(submitted);
  }

  // Has `call` completed with DEADLINE_EXCEEDED at `until`, unless it is
  // cancelled before; see Start. UNIMPLEMENTED if nothing would wake it then.
  absl::Status Pause(Deadline until, PendingCall* call,
                     const std::shared_ptr<Cancellation>& cancellation) {
    if constexpr (Wakes<Transport>) {
      const absl::StatusOr<CorrelationId> id =
          pending_.Add(call, until, PendingCalls::Kind::kPause);
      if (!id.ok()) return id.status();
      if (cancellation != nullptr) cancellation->Arm(&pending_, *id);
      const absl::Status started = StartCalls();
      if (started.ok()) transport_->Wake();
      if (started.ok() || !pending_.Remove(*id)) return absl::OkStatus();
      return NotRun(started);
    } else {
      return absl::UnimplementedError("the transport cannot be woken");
    }
  }

  // OK, or why a call made now would have to wait.
  absl::Status Ready() const {
    if constexpr (TellsReady<Transport>) {
      return transport_->Ready();
    } else {
      return absl::OkStatus();
    }
  }

  // What deadlines are measured by.
  TimePoint Now() const {
    if constexpr (KeepsTime<Transport>) {
      return transport_->Now();
    } else {
      return Clock::now();
    }
  }

  // Ends the transport. PendingCalls are closed before.
  void Close() { transport_.reset(); }

 private:
  absl::Status Submit(Request&& request, const std::atomic<bool>* done) {
    if constexpr (RunsOnCaller<Transport>) {
      if (done != nullptr && pending_.in_flight() == 1) {
        const absl::Status submitted =
            transport_->SubmitAndRun(std::move(request), *done);
        if (pending_.in_flight() > 0) transport_->Wake();
        return submitted;
      }
    }
    return transport_->Submit(std::move(request));
  }

  // A thread that runs the transport looks whether its call is over.
  void Wake() {
    if constexpr (RunsOnCaller<Transport>) transport_->Wake();
  }

  // The calling half is set up by the first call: an endpoint that only serves
  // needs no reply address.
  absl::Status StartCalls() {
    std::call_once(calls_started_,
                   [&] { calls_status_ = transport_->StartCalls(&pending_); });
    return calls_status_;
  }

  PendingCalls pending_;
  std::once_flag calls_started_;
  absl::Status calls_status_;
  // Last: its threads use what stands above.
  std::optional<Transport> transport_;
};

}  // namespace rpc::core

#endif  // RPC_CORE_CARRIER_H_
