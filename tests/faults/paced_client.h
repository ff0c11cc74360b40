#ifndef RPC_TESTS_FAULTS_PACED_CLIENT_H_
#define RPC_TESTS_FAULTS_PACED_CLIENT_H_

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/endpoint.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/transport/rabbitmq_transport.h"
#include "tests/faults/marking_handler.h"
#include "tests/faults/repeated_calls.h"

namespace rpc::testing {

// What became of the calls that ended since a mark.
struct CallLedger {
  int calls = 0;
  int ok = 0;
  std::map<absl::StatusCode, int> failed = {};
  int failed_and_not_run = 0;
  int wrong = 0;
  // Of calls that were made after the mark.
  int answers = 0;
  // The most that a call ended after its deadline.
  absl::Duration latest = -absl::InfiniteDuration();
  // The most that a mere timer of this process was late, as a machine with
  // too much to do makes it.
  absl::Duration timer_late = absl::ZeroDuration();
  // From the mark to the first answer of a call that was made after it.
  absl::Duration first_answer = absl::InfiniteDuration();
  // From the mark to when the last call was made that failed.
  absl::Duration last_failure = -absl::InfiniteDuration();

  // Of two clients: the times are those of the one that fared worse.
  void Add(const CallLedger& other) {
    calls += other.calls;
    ok += other.ok;
    for (const auto& [code, count] : other.failed) failed[code] += count;
    failed_and_not_run += other.failed_and_not_run;
    wrong += other.wrong;
    answers += other.answers;
    latest = std::max(latest, other.latest);
    timer_late = std::max(timer_late, other.timer_late);
    first_answer = std::max(first_answer, other.first_answer);
    last_failure = std::max(last_failure, other.last_failure);
  }
};

struct Pace {
  absl::Duration tick = absl::Milliseconds(10);
  int calls_per_tick = 3;
  // The most calls under way.
  int window = 200;
};

// A client that makes calls at a steady pace from its construction on, on a
// thread of its own. Thread-safe.
class PacedClient {
 public:
  using Client =
      RpcEndpoint<RabbitMqTransport, DecimalSerializer, MarkingHandler::Method>;
  static constexpr absl::Duration kTimeout = absl::Seconds(2);

  // `work` outlives it. Throws std::runtime_error if it cannot be opened: a
  // test fails then.
  PacedClient(const Client::Options& options, RepeatedCalls* work, Pace pace)
      : work_(work), pace_(pace) {
    auto opened = Client::Open(options);
    if (!opened.ok()) throw std::runtime_error(opened.status().ToString());
    client_.emplace(*std::move(opened));
    pacer_ = std::jthread([this](std::stop_token stop) { Run(stop); });
  }
  ~PacedClient() { Stop(); }

  // Something happens now: begins a new ledger, and returns the one up to here.
  CallLedger Mark() {
    const std::lock_guard lock(mutex_);
    marked_at_ = Clock::now();
    return std::exchange(ledger_, CallLedger());
  }

  // Waits until `count` calls that were made after the mark were answered;
  // false if they are not within `patience`.
  bool WaitForAnswers(int count, absl::Duration patience) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, absl::ToChronoNanoseconds(patience),
                             [&] { return ledger_.answers >= count; });
  }

  // Makes no more calls, and waits for those under way: their deadlines end
  // them.
  void Stop() {
    pacer_.request_stop();
    if (pacer_.joinable()) pacer_.join();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return under_way_ == 0; });
  }

 private:
  void Run(const std::stop_token& stop) {
    TimePoint next = Clock::now();
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      for (int i = 0; i < pace_.calls_per_tick; ++i) {
        if (under_way_ == pace_.window) break;
        const auto argument = work_->Next();
        if (!argument.has_value()) break;
        ++under_way_;
        lock.unlock();
        Begin(*argument);
        lock.lock();
      }
      next += absl::ToChronoNanoseconds(pace_.tick);
      never_.wait_until(lock, stop, next, [] { return false; });
      ledger_.timer_late =
          std::max(ledger_.timer_late, absl::FromChrono(Clock::now() - next));
    }
  }

  void Begin(std::uint64_t argument) {
    const TimePoint begin = Clock::now();
    client_->CallAsync(argument, {.timeout = kTimeout},
                       [this, argument, begin](const auto& value) {
                         End(argument, begin, value);
                       });
  }

  void End(std::uint64_t argument, TimePoint begin,
           const absl::StatusOr<std::uint64_t>& value) {
    const TimePoint now = Clock::now();
    work_->Ended(argument, value.status());
    const std::lock_guard lock(mutex_);
    ++ledger_.calls;
    ledger_.latest =
        std::max(ledger_.latest, absl::FromChrono(now - begin) - kTimeout);
    if (!value.ok()) {
      ++ledger_.failed[value.status().code()];
      if (!MayHaveRun(value.status())) ++ledger_.failed_and_not_run;
      ledger_.last_failure =
          std::max(ledger_.last_failure, absl::FromChrono(begin - marked_at_));
    } else {
      ++ledger_.ok;
      if (*value / 2 != argument) ++ledger_.wrong;
      if (begin >= marked_at_ && ++ledger_.answers == 1) {
        ledger_.first_answer = absl::FromChrono(now - marked_at_);
      }
    }
    --under_way_;
    changed_.notify_all();
  }

  RepeatedCalls* const work_;
  const Pace pace_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable_any never_;
  TimePoint marked_at_ = Clock::now();
  CallLedger ledger_;
  int under_way_ = 0;

  std::optional<Client> client_;
  std::jthread pacer_;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_FAULTS_PACED_CLIENT_H_
