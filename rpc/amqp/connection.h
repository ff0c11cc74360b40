#ifndef RPC_AMQP_CONNECTION_H_
#define RPC_AMQP_CONNECTION_H_

#include <poll.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "rpc/amqp/backoff.h"
#include "rpc/amqp/connection_options.h"
#include "rpc/amqp/dialer.h"
#include "rpc/amqp/ending.h"
#include "rpc/amqp/link.h"
#include "rpc/amqp/session.h"
#include "rpc/amqp/session_listener.h"
#include "rpc/amqp/thread.h"
#include "rpc/amqp/wakeup.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"

namespace rpc::amqp {

// Keeps one connection to a broker up for ever: it owns an I/O thread that
// dials, logs in, runs the session, and dials again when it ends. All that the
// caller does with AMQP, it does in a Driver on that thread.
//
// Thread-safe. The driver must outlive the connection.
class Connection final : private SessionListener {
 public:
  // Called on the I/O thread, one at a time. Must not block: nothing is read or
  // sent meanwhile, heartbeats neither.
  class Driver {
   public:
    virtual ~Driver() = default;

    // Logged in: open the channels. `session` is valid until OnDown returns,
    // with each epoch another.
    virtual void OnUp(Session& session, TimePoint now) = 0;

    // The epoch is over, or an attempt to begin one failed; channel listeners
    // were told before. kNever, at most once and last: no attempt will follow,
    // because none could succeed or, with CANCELLED, because of Stop().
    virtual void OnDown(const absl::Status& status, Retry retry) = 0;

    // Each turn of the loop, after what was read and before what is sent: hand
    // over queued work. `session` is null unless it is open. Returns when the
    // next turn is due at the latest; no need to ask for one because
    // CanPublish() was false, that comes by itself.
    virtual TimePoint OnTurn(Session* session, TimePoint now) = 0;
  };

  // Begins to dial and returns at once. INVALID_ARGUMENT for options that make
  // no sense, RESOURCE_EXHAUSTED without a thread or descriptor to be had.
  static absl::StatusOr<std::unique_ptr<Connection>> Start(
      ConnectionOptions options, Driver* driver);

  // Stop() with half a second for the goodbye.
  ~Connection() override { Stop(Deadline::After(absl::Milliseconds(500))); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Causes a turn soon. Cheap: a system call only if the I/O thread sleeps.
  void Wake() { wakeup_->Wake(); }

  // Sends what is encoded, says goodbye, and waits for the broker's answer
  // until `deadline`; then hangs up in any case and joins the I/O thread. What
  // is queued in the driver is the driver's business, before. Idempotent. Not
  // to be called from the I/O thread.
  void Stop(Deadline deadline);

  // Why the connection is or was last down; OK before the first failure.
  absl::Status last_error() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return last_error_;
  }

  // How often login has succeeded; 0 before the first.
  std::uint64_t epoch() const { return epoch_.load(); }

 private:
  Connection(ConnectionOptions options, Driver* driver,
             std::shared_ptr<Wakeup> wakeup);

  void OnOpen() override;
  void OnClosed(const absl::Status& status, Retry retry) override;

  // All below on the I/O thread only.
  void Run();
  void Turn(short revents);
  void Dial();
  void ServeLink(short revents);
  void CheckStop();
  TimePoint NextWake() const;
  // Polls until something happens; returns what did on the stream.
  short Sleep();
  void Down(const Ending& ending, absl::Duration lasted);

  const ConnectionOptions options_;
  Driver& driver_;
  const std::shared_ptr<Wakeup> wakeup_;
  std::atomic<std::uint64_t> epoch_{0};

  mutable std::mutex mutex_;
  absl::Status last_error_;          // guarded by mutex_
  std::optional<Deadline> stop_at_;  // guarded by mutex_

  TimePoint now_;
  Backoff backoff_;
  TimePoint dial_at_;
  std::unique_ptr<Dialer> dialer_;
  std::unique_ptr<Link> link_;
  std::optional<TimePoint> up_since_;
  std::optional<Ending> ending_;  // of the session of link_
  bool dialled_out_ = false;      // no attempt will follow
  std::optional<Deadline> stopping_;
  bool stopped_ = false;
  bool turn_again_ = false;
  TimePoint driver_wake_ = kNever;

  std::optional<Thread> thread_;  // last: it uses all the others
};

inline absl::StatusOr<std::unique_ptr<Connection>> Connection::Start(
    ConnectionOptions options, Driver* driver) {
  const absl::Status valid = Validate(options);
  if (!valid.ok()) return valid;
  absl::StatusOr<std::shared_ptr<Wakeup>> wakeup = Wakeup::Create();
  if (!wakeup.ok()) return wakeup.status();
  std::unique_ptr<Connection> connection(
      new Connection(std::move(options), driver, *std::move(wakeup)));
  absl::StatusOr<Thread> thread =
      Thread::Start([self = connection.get()] { self->Run(); });
  if (!thread.ok()) return thread.status();
  connection->thread_.emplace(*std::move(thread));
  return connection;
}

inline Connection::Connection(ConnectionOptions options, Driver* driver,
                              std::shared_ptr<Wakeup> wakeup)
    : options_(std::move(options)),
      driver_(*driver),
      wakeup_(std::move(wakeup)),
      now_(Clock::now()),
      backoff_(options_.addresses.size(), options_.backoff_least,
               options_.backoff_most, std::random_device()()),
      dial_at_(now_) {}

inline void Connection::Stop(Deadline deadline) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_at_ = stop_at_.has_value() ? std::min(*stop_at_, deadline) : deadline;
  }
  Wake();
  if (thread_.has_value()) thread_->Join();
}

inline void Connection::Run() {
  short revents = 0;
  while (!stopped_) {
    Turn(revents);
    revents = stopped_ ? short{0} : Sleep();
  }
}

inline void Connection::Turn(short revents) {
  now_ = Clock::now();
  turn_again_ = false;
  CheckStop();
  if (link_ == nullptr) Dial();
  if (link_ != nullptr) {
    ServeLink(revents);
  } else if (!stopped_) {
    driver_wake_ = driver_.OnTurn(nullptr, now_);
  }
}

// Takes note of Stop(), and of its deadline.
inline void Connection::CheckStop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!stop_at_.has_value()) return;
    stopping_ = stop_at_;
  }
  dialer_.reset();
  if (link_ == nullptr || stopping_->Expired(now_) || !up_since_.has_value()) {
    const absl::Status cancelled =
        absl::CancelledError("the connection was stopped by its owner");
    if (link_ != nullptr) {
      link_->session().OnDisconnected(cancelled, now_);
      ending_.reset();
    }
    if (!std::exchange(dialled_out_, true)) {
      driver_.OnDown(cancelled, Retry::kNever);
    }
    link_.reset();
    stopped_ = true;
    return;
  }
  link_->session().Close();
}

inline void Connection::Dial() {
  if (stopped_ || dialled_out_ || now_ < dial_at_) return;
  const Address& address = options_.addresses[backoff_.address()];
  if (dialer_ == nullptr) {
    dialer_ = std::make_unique<Dialer>(address, options_.tls,
                                       options_.connect_timeout, wakeup_, now_);
  }
  auto dialled = dialer_->Step(now_);
  if (!dialled.has_value()) return;
  dialer_.reset();
  if (!dialled->ok()) {
    const absl::StatusCode code = dialled->status().code();
    const bool final = code == absl::StatusCode::kUnauthenticated ||
                       code == absl::StatusCode::kInvalidArgument;
    return Down({dialled->status(), final ? Retry::kNever : Retry::kYes},
                absl::ZeroDuration());
  }
  SessionOptions session = options_.session;
  session.user = address.user;
  session.password = address.password;
  session.vhost = address.vhost;
  SessionListener* const listener = this;
  link_ = std::make_unique<Link>(*std::move(*dialled), std::move(session),
                                 listener, now_);
}

inline void Connection::ServeLink(short revents) {
  if (revents != 0 || link_->more_to_read()) link_->Receive(now_);
  Session& session = link_->session();
  session.OnTime(now_);
  driver_wake_ = driver_.OnTurn(session.open() ? &session : nullptr, now_);
  const std::size_t limit = options_.session.out_limit;
  const bool full = session.out().size() >= limit;
  link_->Send(now_);
  if (full && session.out().size() < limit) turn_again_ = true;
  if (!ending_.has_value()) return;
  const absl::Duration lasted = up_since_.has_value()
                                    ? absl::FromChrono(now_ - *up_since_)
                                    : absl::ZeroDuration();
  Down(*std::exchange(ending_, std::nullopt), lasted);
  up_since_.reset();
  link_.reset();
}

inline void Connection::OnOpen() {
  ++epoch_;
  up_since_ = now_;
  driver_.OnUp(link_->session(), now_);
}

inline void Connection::OnClosed(const absl::Status& status, Retry retry) {
  ending_ = Ending{status, retry};
}

inline void Connection::Down(const Ending& ending, absl::Duration lasted) {
  const absl::Status status = Annotate(
      ending.status, Printable(options_.addresses[backoff_.address()]));
  if (!stopping_.has_value()) {
    const std::lock_guard<std::mutex> lock(mutex_);
    last_error_ = status;
  }
  dialled_out_ = stopping_.has_value() || ending.retry == Retry::kNever;
  stopped_ = stopping_.has_value();
  dial_at_ = backoff_.Failed(lasted, now_);
  driver_.OnDown(status, dialled_out_ ? Retry::kNever : Retry::kYes);
}

inline TimePoint Connection::NextWake() const {
  if (turn_again_) return now_;
  TimePoint wake = driver_wake_;
  if (stopping_.has_value()) wake = std::min(wake, stopping_->at());
  if (link_ != nullptr) {
    if (link_->more_to_read() || ending_.has_value()) return now_;
    wake = std::min(wake, link_->session().NextWake());
  } else if (dialer_ != nullptr) {
    wake = std::min(wake, dialer_->NextWake());
  } else if (!dialled_out_) {
    wake = std::min(wake, dial_at_);
  }
  return wake;
}

inline short Connection::Sleep() {
  pollfd polled[2] = {{wakeup_->descriptor(), POLLIN, 0}, {-1, 0, 0}};
  if (link_ != nullptr) {
    polled[1] = {link_->descriptor(), link_->events(), 0};
  } else if (dialer_ != nullptr) {
    polled[1] = {dialer_->descriptor(), dialer_->events(), 0};
  }
  Clock::duration left = NextWake() - Clock::now();
  if (!wakeup_->BeginSleep()) left = Clock::duration::zero();
  const timespec timeout = absl::ToTimespec(
      absl::FromChrono(std::max(left, Clock::duration::zero())));
  ::ppoll(polled, 2, &timeout, nullptr);
  wakeup_->EndSleep(polled[0].revents);
  return polled[1].revents;
}

}  // namespace rpc::amqp

#endif  // RPC_AMQP_CONNECTION_H_
