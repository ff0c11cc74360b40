#ifndef RPC_AMQP_CONNECTION_H_
#define RPC_AMQP_CONNECTION_H_

#include <atomic>
#include <cassert>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "rpc/amqp/connection_loop.h"
#include "rpc/amqp/connection_options.h"
#include "rpc/amqp/loop_owner.h"
#include "rpc/amqp/thread.h"
#include "rpc/amqp/wakeup.h"
#include "rpc/base/deadline.h"

namespace rpc::amqp {

// Keeps one connection to a broker up for ever: a loop dials, logs in, runs the
// session, and dials again when it ends. All that the caller does with AMQP, it
// does in a Driver from within that loop. An I/O thread of the connection's
// runs it, except while a thread that waits for the broker has borrowed it: its
// answer then takes no way through another thread.
//
// Thread-safe. The driver must outlive the connection.
class Connection final {
 public:
  using Driver = ConnectionLoop::Driver;

  // The loop in the hands of a borrower, or nothing. Gives it back in the end.
  class Loan {
   public:
    Loan() = default;
    Loan(Loan&& other) noexcept
        : connection_(std::exchange(other.connection_, nullptr)) {}
    Loan& operator=(Loan other) noexcept {
      std::swap(connection_, other.connection_);
      return *this;
    }
    ~Loan() {
      if (connection_ != nullptr) connection_->GiveBack();
    }

    explicit operator bool() const { return connection_ != nullptr; }

    // Runs the loop until a turn that ends with `done`. Returns earlier if the
    // loop is not to be lent any more. Whoever sets `done` on another thread
    // calls Wake() after it.
    void RunUntil(const std::atomic<bool>& done) {
      connection_->RunUntil(done);
    }

   private:
    friend class Connection;
    explicit Loan(Connection* connection) : connection_(connection) {}

    Connection* connection_ = nullptr;
  };

  // Begins to dial and returns at once. INVALID_ARGUMENT for options that make
  // no sense, RESOURCE_EXHAUSTED without a thread or descriptor to be had.
  // `rest` is how long the loop stays free after a loan; see LoopOwner.
  static absl::StatusOr<std::unique_ptr<Connection>> Start(
      ConnectionOptions options, Driver* driver,
      absl::Duration rest = LoopOwner::kRest);

  // Stop() with half a second for the goodbye.
  ~Connection() { Stop(Deadline::After(absl::Milliseconds(500))); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Causes a turn soon. Cheap: a system call only if nobody is awake to do it.
  void Wake() {
    wakeup_->Wake();
    owner_.Recall();
  }

  // Lends the loop while the connection is up and the driver agrees. Free: only
  // if nobody runs it, as soon after another loan; never waits. Else the I/O
  // thread is asked, which does one more turn before; nothing if another has
  // borrowed it.
  //
  // When a loan ends the loop stays free for a while. Whoever leaves something
  // behind that will not wait so long, calls Wake().
  Loan BorrowFree();
  Loan Borrow();

  // Sends what is encoded, says goodbye, and waits for the broker's answer
  // until `deadline`; then hangs up in any case and joins the I/O thread. What
  // is queued in the driver is the driver's business, before. Idempotent. Not
  // to be called from within the loop.
  void Stop(Deadline deadline);

  // Why the connection is or was last down; OK before the first failure.
  absl::Status last_error() const { return loop_.last_error(); }

  // How often login has succeeded; 0 before the first.
  std::uint64_t epoch() const { return loop_.epoch(); }

 private:
  Connection(ConnectionOptions options, Driver* driver, absl::Duration rest,
             std::shared_ptr<Wakeup> wakeup)
      : wakeup_(wakeup),
        owner_(rest),
        loop_(std::move(options), driver, std::move(wakeup)) {}

  void Run();
  void RunUntil(const std::atomic<bool>& done);
  void GiveBack();
  void Turn();

  const std::shared_ptr<Wakeup> wakeup_;
  LoopOwner owner_;
  ConnectionLoop loop_;  // of the thread that owner_ says

  std::optional<Thread> thread_;  // last: it uses all the others
};

inline absl::StatusOr<std::unique_ptr<Connection>> Connection::Start(
    ConnectionOptions options, Driver* driver, absl::Duration rest) {
  const absl::Status valid = Validate(options);
  if (!valid.ok()) return valid;
  absl::StatusOr<std::shared_ptr<Wakeup>> wakeup = Wakeup::Create();
  if (!wakeup.ok()) return wakeup.status();
  std::unique_ptr<Connection> connection(
      new Connection(std::move(options), driver, rest, *std::move(wakeup)));
  absl::StatusOr<Thread> thread =
      Thread::Start([self = connection.get()] { self->Run(); });
  if (!thread.ok()) return thread.status();
  connection->thread_.emplace(*std::move(thread));
  return connection;
}

inline void Connection::Stop(Deadline deadline) {
  loop_.Stop(deadline);
  Wake();
  if (thread_.has_value()) thread_->Join();
}

inline Connection::Loan Connection::BorrowFree() {
  return Loan(owner_.TryBorrow() ? this : nullptr);
}

inline Connection::Loan Connection::Borrow() {
  if (!loop_.lent() || !owner_.Ask()) return Loan();
  Wake();
  owner_.Await();
  return Loan(this);
}

inline void Connection::Run() {
  owner_.Take();
  while (!loop_.stopped()) {
    Turn();
    if (owner_.asked()) {
      owner_.Lend();
    } else if (!loop_.stopped()) {
      loop_.Sleep();
    }
  }
  owner_.Close();
}

inline void Connection::RunUntil(const std::atomic<bool>& done) {
  while (loop_.lends()) {
    Turn();
    if (done.load(std::memory_order_acquire)) return;
    loop_.Sleep();
  }
}

inline void Connection::GiveBack() {
  const bool lends = loop_.lends();
  owner_.Return();
  // Whoever wakes the loop after this look finds it free.
  if (!lends || wakeup_->requested()) owner_.Recall();
}

inline void Connection::Turn() {
  assert(owner_.IsMine());
  loop_.Turn();
}

}  // namespace rpc::amqp

#endif  // RPC_AMQP_CONNECTION_H_
