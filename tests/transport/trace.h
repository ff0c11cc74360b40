#ifndef RPC_TESTS_TRANSPORT_TRACE_H_
#define RPC_TESTS_TRANSPORT_TRACE_H_

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/message/correlation_id.h"
#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/transport_policy.h"
#include "tests/laws/transport_bench.h"
#include "tests/support/recording_calls.h"
#include "tests/support/recording_server.h"

namespace rpc::testing {

// What happened, step by step, as lines of text that do not depend on timing:
// the events of one step are put in alphabetical order. Thread-safe.
class Trace {
 public:
  void Happened(std::string event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
    changed_.notify_all();
  }

  // Ends a step that is said to cause that many events: waits for them.
  void EndStep(std::string_view step, std::size_t events) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(10),
                      [&] { return events_.size() >= events; });
    std::sort(events_.begin(), events_.end());
    absl::StrAppend(&text_, ToAbsl(step), "\n");
    for (const std::string& event : events_) {
      absl::StrAppend(&text_, "  ", event, "\n");
    }
    events_.clear();
  }

  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> events_;
  std::string text_;
};

// One client and named servers of a world, whose steps are traced. Requests are
// called by their bodies. Each step is told how many events it causes:
// deliveries and replies. See transport_laws.h for worlds.
template <typename World>
class TracedWorld {
 public:
  explicit TracedWorld(World& world) : world_(world), client_(MakeClient()) {}

  std::string text() const { return trace_.text(); }

  void Submit(const std::string& label, std::size_t events,
              absl::Duration timeout = absl::Minutes(1)) {
    Request request = MakeRequest(label, timeout);
    calls_.Expect(request.deadline);
    laws::RequireOk(client_->Submit(std::move(request)), "Submit");
    trace_.EndStep("submit " + label, events);
  }
  void SubmitRefused(const std::string& label,
                     absl::Duration timeout = absl::Minutes(1)) {
    Request request = MakeRequest(label, timeout);
    calls_.Expect(request.deadline);
    calls_.Refuse(request.correlation_id);
    laws::RequireOk(client_->Submit(std::move(request)), "Submit");
    trace_.EndStep("submit and refuse to claim " + label, 0);
  }
  // Until that many deadlines have passed in all.
  void WaitForDeadlines(std::size_t count) {
    laws::Require(calls_.WaitForWakeUps(count, absl::Seconds(10)),
                  "no OnTime came for a deadline");
    trace_.EndStep(absl::StrCat("wait for ", count, " deadlines"), 0);
  }

  void Serve(const std::string& name, int prefetch, std::size_t events) {
    Server& server = servers_[name];
    server.events = std::make_unique<RecordingServer>(
        [this, name](Delivery delivery) { Keep(name, std::move(delivery)); });
    server.transport = world_.MakeServer();
    laws::RequireOk(server.transport->StartServing(server.events.get(),
                                                   {.prefetch = prefetch}),
                    "StartServing");
    laws::Require(server.events->WaitForServing(absl::Seconds(10)),
                  "a server was not told OnServing");
    trace_.EndStep(absl::StrCat(name, " serves, prefetch ", prefetch), events);
  }
  void Stop(const std::string& name) {
    laws::RequireOk(servers_.at(name).transport->StopServing(
                        Deadline::After(absl::Seconds(10))),
                    "StopServing");
    trace_.EndStep(name + " stops", 0);
  }
  // With what it holds.
  void Kill(const std::string& name, std::size_t events) {
    for (Delivery& delivery : TakeAll(name)) Abandon(std::move(delivery));
    servers_.at(name).transport.reset();
    trace_.EndStep(name + " dies", events);
  }

  void Answer(const std::string& name, const std::string& label,
              std::size_t events, absl::Status status = absl::OkStatus()) {
    Take(name, label).Answer({.status = std::move(status)});
    trace_.EndStep(absl::StrCat(name, " answers ", label), events);
  }
  void Ack(const std::string& name, const std::string& label,
           std::size_t events) {
    Take(name, label).Ack();
    trace_.EndStep(absl::StrCat(name, " acks ", label), events);
  }
  void Requeue(const std::string& name, const std::string& label,
               std::size_t events) {
    Take(name, label).Requeue();
    trace_.EndStep(absl::StrCat(name, " requeues ", label), events);
  }
  void Reject(const std::string& name, const std::string& label,
              std::size_t events) {
    Take(name, label).Reject();
    trace_.EndStep(absl::StrCat(name, " rejects ", label), events);
  }
  void Drop(const std::string& name, const std::string& label,
            std::size_t events) {
    { const Delivery dropped = Take(name, label); }
    trace_.EndStep(absl::StrCat(name, " drops ", label), events);
  }

  ~TracedWorld() {
    for (auto& [name, server] : servers_) {
      if (server.transport == nullptr) continue;
      server.transport->StopServing(Deadline::After(absl::Seconds(1)))
          .IgnoreError();
      TakeAll(name);
      server.transport.reset();
    }
    client_.reset();
  }

 private:
  using Transport = typename World::Transport;
  struct Server {
    std::unique_ptr<RecordingServer> events;
    std::unique_ptr<Transport> transport;
  };

  std::unique_ptr<Transport> MakeClient() {
    std::unique_ptr<Transport> client = world_.MakeClient();
    laws::RequireOk(client->StartCalls(&calls_), "StartCalls");
    return client;
  }

  Request MakeRequest(const std::string& label, absl::Duration timeout) {
    const auto id = CorrelationId{++made_, 0x5eed}.Text();
    Request request;
    request.correlation_id = std::string_view(id.data(), id.size());
    request.body = std::string_view(label);
    request.deadline = Deadline::After(timeout);
    const std::lock_guard lock(mutex_);
    labels_[std::string(request.correlation_id.view())] = label;
    return request;
  }

  void Keep(const std::string& name, Delivery delivery) {
    const std::string label(delivery.request().body.view());
    std::string event = absl::StrCat(name, " is given ", label);
    if (delivery.facts().redelivered) absl::StrAppend(&event, ", redelivered");
    if (const int before = delivery.facts().earlier_deliveries; before > 0) {
      absl::StrAppend(&event, ", ", before, " before");
    }
    {
      const std::lock_guard lock(mutex_);
      kept_.emplace(std::make_pair(name, label), std::move(delivery));
    }
    trace_.Happened(std::move(event));
  }

  Delivery Take(const std::string& name, const std::string& label) {
    const std::lock_guard lock(mutex_);
    const auto found = kept_.find({name, label});
    laws::Require(found != kept_.end(), name + " was not given " + label);
    Delivery delivery = std::move(found->second);
    kept_.erase(found);
    return delivery;
  }
  std::vector<Delivery> TakeAll(const std::string& name) {
    const std::lock_guard lock(mutex_);
    std::vector<Delivery> all;
    for (auto at = kept_.begin(); at != kept_.end();) {
      if (at->first.first == name) {
        all.push_back(std::move(at->second));
        at = kept_.erase(at);
      } else {
        ++at;
      }
    }
    return all;
  }

  void Replied(const Reply& reply) {
    std::string event = "the client is told ";
    {
      const std::lock_guard lock(mutex_);
      event += labels_[std::string(reply.correlation_id.view())];
    }
    absl::StrAppend(&event, ": ",
                    absl::StatusCodeToString(reply.status.code()));
    if (!MayHaveRun(reply.status)) event += ", not run";
    trace_.Happened(std::move(event));
  }

  World& world_;
  Trace trace_;
  std::mutex mutex_;
  std::uint32_t made_ = 0;
  std::map<std::string, std::string> labels_;
  // By server and label.
  std::map<std::pair<std::string, std::string>, Delivery> kept_;
  std::map<std::string, Server> servers_;
  RecordingCalls calls_{[this](const Reply& reply) { Replied(reply); }};
  std::unique_ptr<Transport> client_;
};

// What a broker does with requests, in all the ways that a transport shows.
template <typename World>
std::string TraceQueue(World& world) {
  TracedWorld<World> traced(world);
  traced.Submit("nobody's", 1);
  traced.Serve("A", 1, 0);
  traced.Submit("one", 1);
  traced.Submit("two", 0);
  traced.Submit("three", 0);
  traced.Serve("B", 1, 1);
  traced.Answer("A", "one", 2);
  traced.Requeue("B", "two", 1);
  traced.Submit("four", 0);
  traced.Requeue("A", "three", 1);
  traced.Reject("B", "two", 1);
  traced.Drop("A", "three", 1);
  traced.Submit("five", 1);
  traced.Serve("C", 1, 0);
  traced.Kill("A", 1);
  traced.Submit("six", 0);
  traced.Submit("seven", 0);
  traced.Stop("B");
  traced.Answer("B", "four", 1);
  traced.Answer("C", "five", 2);
  traced.Answer("C", "six", 2);
  traced.Submit("short", 0, absl::Milliseconds(50));
  traced.Submit("eight", 0);
  traced.Submit("short too", 0, absl::Milliseconds(60));
  // A time by which a broker that counts from their arrival drops them too.
  traced.SubmitRefused("an alarm", absl::Milliseconds(300));
  traced.WaitForDeadlines(3);
  traced.Answer("C", "seven", 2);
  traced.Answer("C", "eight", 1, NotRun(absl::OutOfRangeError("too much")));
  traced.Submit("nine", 1);
  traced.Kill("C", 0);
  traced.Serve("D", 2, 1);
  traced.SubmitRefused("ten");
  traced.Submit("eleven", 1);
  traced.Submit("twelve", 0);
  traced.Requeue("D", "eleven", 1);
  traced.Requeue("D", "nine", 1);
  traced.Ack("D", "nine", 1);
  traced.Answer("D", "twelve", 1);
  traced.Answer("D", "eleven", 1);
  return traced.text();
}

// What a broker does with a request in a queue that counts deliveries.
template <typename World>
std::string TraceCountedDeliveries(World& world) {
  TracedWorld<World> traced(world);
  traced.Serve("A", 1, 0);
  traced.Submit("poison", 1);
  traced.Requeue("A", "poison", 1);
  traced.Requeue("A", "poison", 1);
  traced.Kill("A", 0);
  traced.Serve("B", 1, 1);
  traced.Answer("B", "poison", 1);
  return traced.text();
}

}  // namespace rpc::testing

#endif  // RPC_TESTS_TRANSPORT_TRACE_H_
