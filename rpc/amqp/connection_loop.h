#ifndef RPC_AMQP_CONNECTION_LOOP_H_
#define RPC_AMQP_CONNECTION_LOOP_H_

#include <poll.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
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
#include "rpc/amqp/stream.h"
#include "rpc/amqp/wakeup.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"

namespace rpc::amqp {

// What a connection does, turn by turn: dials, logs in, runs the session, and
// dials again when it ends. Turns may be done by different threads, one at a
// time: see LoopOwner.
class ConnectionLoop final : private SessionListener {
 public:
  // Called by the thread that runs the loop, one at a time. Must not block:
  // nothing is read or sent meanwhile, heartbeats neither.
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

    // The broker takes no publishes for now, and why; and again.
    virtual void OnBlocked(std::string_view reason) { (void)reason; }
    virtual void OnUnblocked() {}

    // Something was read and told to the channels. What is left to do before
    // queued work is handed over: what that causes, leaves with the same turn.
    virtual void OnRead() {}

    // Each turn of the loop, after what was read and before what is sent: hand
    // over queued work. `session` is null unless it is open. Returns when the
    // next turn is due at the latest; no need to ask for one because
    // CanPublish() was false, that comes by itself.
    virtual TimePoint OnTurn(Session* session, TimePoint now) = 0;

    // Whether a borrower may run the loop. Asked before each of its turns.
    virtual bool Lends() const { return false; }
  };

  // `options` are valid. Begins with the first turn.
  ConnectionLoop(ConnectionOptions options, Driver* driver,
                 std::shared_ptr<Wakeup> wakeup);

  // Does what is due.
  void Turn();
  // After a turn: until there is something to do.
  void Sleep();
  // The last turn was the last.
  bool stopped() const { return stopped_; }
  // Whether a thread that is not the I/O thread may do the next turn.
  bool lends() const;

  // Any thread; heeded by the next turn.
  void Stop(Deadline deadline) {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_at_ = stop_at_.has_value() ? std::min(*stop_at_, deadline) : deadline;
  }
  // Any thread: what lends() was after the last turn.
  bool lent() const { return lent_.load(std::memory_order_relaxed); }
  absl::Status last_error() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return last_error_;
  }
  std::uint64_t epoch() const { return epoch_.load(); }

 private:
  // Inline from their declaration on: every file that includes this would have
  // code made for the class otherwise.
  inline void OnOpen() override;
  inline void OnClosed(const absl::Status& status, Retry retry) override;
  inline void OnBlocked(std::string_view reason) override;
  inline void OnUnblocked() override;

  void Dial();
  void ServeLink();
  void CheckStop();
  TimePoint NextWake() const;
  void Down(const Ending& ending, absl::Duration lasted);

  const ConnectionOptions options_;
  Driver& driver_;
  const std::shared_ptr<Wakeup> wakeup_;
  std::atomic<std::uint64_t> epoch_{0};
  std::atomic<bool> lent_{false};

  mutable std::mutex mutex_;
  absl::Status last_error_;          // guarded by mutex_
  std::optional<Deadline> stop_at_;  // guarded by mutex_

  TimePoint now_;
  Backoff backoff_;
  TimePoint dial_at_;
  std::unique_ptr<Dialer> dialer_;
  std::unique_ptr<Link> link_;
  short revents_ = 0;  // what the last poll said of its stream
  std::optional<TimePoint> up_since_;
  std::optional<Ending> ending_;  // of the session of link_
  bool dialled_out_ = false;      // no attempt will follow
  std::optional<Deadline> stopping_;
  bool stopped_ = false;
  bool turn_again_ = false;
  TimePoint driver_wake_ = kNever;
};

inline ConnectionLoop::ConnectionLoop(ConnectionOptions options, Driver* driver,
                                      std::shared_ptr<Wakeup> wakeup)
    : options_(std::move(options)),
      driver_(*driver),
      wakeup_(std::move(wakeup)),
      now_(Clock::now()),
      backoff_(options_.addresses.size(), options_.backoff_least,
               options_.backoff_most),
      dial_at_(now_) {}

// To connect and log in is the I/O thread's work, and OpenSSL takes a thread
// that blocks SIGPIPE: a borrower's signals are its own.
inline bool ConnectionLoop::lends() const {
  return up_since_.has_value() && !stopping_.has_value() &&
         !options_.addresses[backoff_.address()].tls && driver_.Lends();
}

inline void ConnectionLoop::Turn() {
  const short revents = std::exchange(revents_, short{0});
  now_ = Clock::now();
  turn_again_ = false;
  if (link_ != nullptr && (revents != 0 || link_->more_to_read())) {
    link_->Receive(now_);
    driver_.OnRead();
  }
  // What was asked for until here, this turn does.
  wakeup_->Heed();
  CheckStop();
  if (link_ == nullptr) Dial();
  if (link_ != nullptr) {
    ServeLink();
  } else if (!stopped_) {
    driver_wake_ = driver_.OnTurn(nullptr, now_);
  }
  lent_.store(lends(), std::memory_order_relaxed);
}

// Takes note of Stop(), and of its deadline.
inline void ConnectionLoop::CheckStop() {
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

inline void ConnectionLoop::Dial() {
  if (stopped_ || dialled_out_ || now_ < dial_at_) return;
  const Address& address = options_.addresses[backoff_.address()];
  if (dialer_ == nullptr) {
    dialer_ = std::make_unique<Dialer>(address, options_.tls,
                                       options_.connect_timeout, wakeup_, now_);
  }
  absl::StatusOr<std::unique_ptr<Stream>> dialled = dialer_->Step(now_);
  if (dialled.ok() && *dialled == nullptr) return;
  dialer_.reset();
  if (!dialled.ok()) {
    const absl::StatusCode code = dialled.status().code();
    const bool final = code == absl::StatusCode::kUnauthenticated ||
                       code == absl::StatusCode::kInvalidArgument;
    return Down({dialled.status(), final ? Retry::kNever : Retry::kYes},
                absl::ZeroDuration());
  }
  SessionOptions session = options_.session;
  session.user = address.user;
  session.password = address.password;
  session.vhost = address.vhost;
  SessionListener* const listener = this;
  link_ = std::make_unique<Link>(*std::move(dialled), std::move(session),
                                 listener, now_);
}

inline void ConnectionLoop::ServeLink() {
  Session& session = link_->session();
  link_->OnTime(now_);
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

inline void ConnectionLoop::OnOpen() {
  ++epoch_;
  up_since_ = now_;
  driver_.OnUp(link_->session(), now_);
}

inline void ConnectionLoop::OnClosed(const absl::Status& status, Retry retry) {
  ending_ = Ending{status, retry};
}

inline void ConnectionLoop::OnBlocked(std::string_view reason) {
  driver_.OnBlocked(reason);
}
inline void ConnectionLoop::OnUnblocked() { driver_.OnUnblocked(); }

inline void ConnectionLoop::Down(const Ending& ending, absl::Duration lasted) {
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

inline TimePoint ConnectionLoop::NextWake() const {
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

inline void ConnectionLoop::Sleep() {
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
  revents_ = polled[1].revents;
}

}  // namespace rpc::amqp

#endif  // RPC_AMQP_CONNECTION_LOOP_H_
