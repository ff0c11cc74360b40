#ifndef EXAMPLES_OWN_TRANSPORT_H_
#define EXAMPLES_OWN_TRANSPORT_H_

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "rpc/base/deadline.h"
#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/transport_policy.h"

namespace examples {

// One thread that does what it is given, in order, and wakes a caller's calls
// in time.
class Loop {
 public:
  Loop() : thread_([this] { Run(); }) {}
  ~Loop() {
    Post([this] { stopped_ = true; });
    thread_.join();
  }

  void Post(std::function<void()> task) {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    changed_.notify_one();
  }
  // Returns when `task` is done. Not to be called from the loop itself.
  void PostAndWait(const std::function<void()>& task) {
    std::promise<void> done;
    Post([&] {
      task();
      done.set_value();
    });
    done.get_future().wait();
  }

  // For tasks only: who is woken by `OnTime`, null for nobody.
  rpc::CallEvents* calls = nullptr;

 private:
  void Run() {
    while (!stopped_) {
      const rpc::TimePoint wake =
          calls == nullptr ? rpc::kNever : calls->OnTime(rpc::Clock::now());
      std::unique_lock lock(mutex_);
      const auto has_task = [&] { return !tasks_.empty(); };
      if (wake >= rpc::kNever) {
        changed_.wait(lock, has_task);
      } else if (!changed_.wait_until(lock, wake, has_task)) {
        continue;
      }
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool stopped_ = false;
  std::thread thread_;
};

// A transport of one's own: one client and its servers in a process, with a
// loop between them that carries everything. Declares no trait, so the endpoint
// expects no more than the common laws.
class LoopTransport final : private rpc::Delivery::Origin {
 public:
  // Where they meet. All but `loop` belongs to the loop's thread.
  struct Meeting {
    std::vector<LoopTransport*> servers;
    std::deque<rpc::Request> waiting;
    Loop loop;
  };
  struct Options {
    std::shared_ptr<Meeting> meeting = nullptr;
  };
  static constexpr rpc::TransportTraits kTraits = {};

  explicit LoopTransport(Options options)
      : meeting_(std::move(options.meeting)) {}
  ~LoopTransport() {
    if (meeting_ == nullptr) return;
    meeting_->loop.PostAndWait([this] {
      if (calls_ != nullptr) meeting_->loop.calls = nullptr;
      std::erase(meeting_->servers, this);
    });
  }

  absl::Status Open(rpc::Deadline) {
    return meeting_ != nullptr
               ? absl::OkStatus()
               : absl::FailedPreconditionError("set Options::meeting");
  }
  std::string Describe() const { return "a loop"; }

  absl::Status StartCalls(rpc::CallEvents* events) {
    if (calls_ != nullptr) {
      return absl::FailedPreconditionError("StartCalls came before");
    }
    calls_ = events;
    meeting_->loop.PostAndWait([this] { meeting_->loop.calls = calls_; });
    return absl::OkStatus();
  }

  absl::Status Submit(rpc::Request request) {
    if (calls_ == nullptr) {
      return absl::FailedPreconditionError("StartCalls comes first");
    }
    const auto shared = std::make_shared<rpc::Request>(std::move(request));
    meeting_->loop.Post([meeting = meeting_, shared] {
      meeting->waiting.push_back(std::move(*shared));
      Deliver(*meeting);
    });
    return absl::OkStatus();
  }

  absl::Status StartServing(rpc::ServerEvents* events,
                            rpc::ServingOptions options) {
    if (options.prefetch < 1) {
      return absl::InvalidArgumentError("prefetch must be at least 1");
    }
    meeting_->loop.PostAndWait([&] {
      server_ = events;
      room_ = options.prefetch;
      meeting_->servers.push_back(this);
      server_->OnServing();
      Deliver(*meeting_);
    });
    return absl::OkStatus();
  }

  absl::Status StopServing(rpc::Deadline) {
    meeting_->loop.PostAndWait([this] { std::erase(meeting_->servers, this); });
    return absl::OkStatus();
  }

  absl::Status Flush(rpc::Deadline) {
    meeting_->loop.PostAndWait([] {});
    return absl::OkStatus();
  }

 private:
  void Settle(std::uint64_t, const rpc::Request& request,
              rpc::Settlement settlement, rpc::Reply* reply) override {
    const auto given_back = settlement == rpc::Settlement::kRequeue
                                ? std::make_shared<rpc::Request>(request)
                                : nullptr;
    const auto answer = reply != nullptr
                            ? std::make_shared<rpc::Reply>(std::move(*reply))
                            : nullptr;
    meeting_->loop.Post([this, meeting = meeting_, given_back, answer] {
      if (answer != nullptr && meeting->loop.calls != nullptr) {
        meeting->loop.calls->OnReply(std::move(*answer));
      }
      if (given_back != nullptr) {
        meeting->waiting.push_front(std::move(*given_back));
      }
      ++room_;
      Deliver(*meeting);
    });
  }

  static void Deliver(Meeting& meeting) {
    while (!meeting.waiting.empty()) {
      const auto server = std::find_if(
          meeting.servers.begin(), meeting.servers.end(),
          [](const LoopTransport* each) { return each->room_ > 0; });
      if (server == meeting.servers.end()) return;
      rpc::Request request = std::move(meeting.waiting.front());
      meeting.waiting.pop_front();
      // A request that was given back has its reply address, and was claimed.
      if (request.reply_to.empty()) {
        if (meeting.loop.calls == nullptr ||
            !meeting.loop.calls->Claim(request.correlation_id)) {
          continue;
        }
        request.reply_to = "the caller";
      }
      --(*server)->room_;
      (*server)->server_->OnDelivery(
          rpc::Delivery(std::move(request), {}, *server, 0));
    }
  }

  const std::shared_ptr<Meeting> meeting_;
  rpc::CallEvents* calls_ = nullptr;
  // For the loop's thread: what serves here, and how many deliveries it still
  // takes.
  rpc::ServerEvents* server_ = nullptr;
  int room_ = 0;
};

}  // namespace examples

#endif  // EXAMPLES_OWN_TRANSPORT_H_
