#ifndef RPC_TESTS_FAULTS_PACED_CLIENT_H_
#define RPC_TESTS_FAULTS_PACED_CLIENT_H_

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

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

// What became of the calls that were made between two marks.
struct CallLedger {
  int calls = 0;
  int ok = 0;
  std::map<absl::StatusCode, int> failed = {};
  int failed_and_not_run = 0;
  int wrong = 0;
  // The arguments of the calls that ended by their deadlines.
  std::vector<std::uint64_t> unanswered = {};
  // The most that a call ended after its deadline.
  absl::Duration latest = -absl::InfiniteDuration();
  // From the mark to the first answer.
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
    unanswered.insert(unanswered.end(), other.unanswered.begin(),
                      other.unanswered.end());
    latest = std::max(latest, other.latest);
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
  // A node that starts holds up the others of a cluster: on two processors,
  // answers took 1.5 s, and over 2 s where the machine was slow or busy.
  static constexpr absl::Duration kTimeout = absl::Seconds(5);

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

  // Something happens now: closes the ledger of the calls made up to here, and
  // begins a new one.
  void Mark() {
    const std::lock_guard lock(mutex_);
    closed_ = std::exchange(page_, std::make_shared<Page>());
  }

  // The ledger that was closed last, once its calls have ended: their deadlines
  // end them.
  CallLedger Closed() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_->under_way == 0; });
    return closed_->ledger;
  }

  // Waits until `count` calls that were made after the mark were answered;
  // false if they are not within `patience`.
  bool WaitForAnswers(int count, absl::Duration patience) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, absl::ToChronoNanoseconds(patience),
                             [&] { return page_->ledger.ok >= count; });
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
  // The calls between two marks.
  struct Page {
    const TimePoint begun = Clock::now();
    CallLedger ledger;
    int under_way = 0;
  };

  void Run(const std::stop_token& stop) {
    TimePoint next = Clock::now();
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      for (int i = 0; i < pace_.calls_per_tick; ++i) {
        if (under_way_ == pace_.window) break;
        const auto argument = work_->Next();
        if (!argument.has_value()) break;
        ++under_way_;
        ++page_->under_way;
        const std::shared_ptr<Page> page = page_;
        lock.unlock();
        Begin(*argument, page);
        lock.lock();
      }
      next += absl::ToChronoNanoseconds(pace_.tick);
      never_.wait_until(lock, stop, next, [] { return false; });
    }
  }

  void Begin(std::uint64_t argument, const std::shared_ptr<Page>& page) {
    const TimePoint begin = Clock::now();
    client_->CallAsync(argument, {.timeout = kTimeout},
                       [this, argument, page, begin](const auto& value) {
                         End(argument, *page, begin, value);
                       });
  }

  void End(std::uint64_t argument, Page& page, TimePoint begin,
           const absl::StatusOr<std::uint64_t>& value) {
    const TimePoint now = Clock::now();
    work_->Ended(argument, value.status());
    const std::lock_guard lock(mutex_);
    CallLedger& ledger = page.ledger;
    ++ledger.calls;
    ledger.latest =
        std::max(ledger.latest, absl::FromChrono(now - begin) - kTimeout);
    if (!value.ok()) {
      ++ledger.failed[value.status().code()];
      if (!MayHaveRun(value.status())) ++ledger.failed_and_not_run;
      if (absl::IsDeadlineExceeded(value.status())) {
        ledger.unanswered.push_back(argument);
      }
      ledger.last_failure =
          std::max(ledger.last_failure, absl::FromChrono(begin - page.begun));
    } else {
      if (++ledger.ok == 1) {
        ledger.first_answer = absl::FromChrono(now - page.begun);
      }
      if (*value / 2 != argument) ++ledger.wrong;
    }
    --page.under_way;
    --under_way_;
    changed_.notify_all();
  }

  RepeatedCalls* const work_;
  const Pace pace_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::condition_variable_any never_;
  std::shared_ptr<Page> page_ = std::make_shared<Page>();
  std::shared_ptr<Page> closed_;
  int under_way_ = 0;

  std::optional<Client> client_;
  std::jthread pacer_;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_FAULTS_PACED_CLIENT_H_
