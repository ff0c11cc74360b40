#ifndef RPC_TESTS_LAWS_TAGGED_TRANSPORT_LAWS_H_
#define RPC_TESTS_LAWS_TAGGED_TRANSPORT_LAWS_H_

#include <cstddef>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "rpc/base/status.h"
#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/transport_policy.h"
#include "tests/laws/transport_bench.h"

// The laws of rpc/transport/transport_policy.h that a transport obeys which
// declares the trait of the same name.
namespace rpc::laws {

// What a server did not settle is delivered again, marked as such.
template <typename World>
absl::Status Redelivers(World& world) {
  return Judge("Redelivers", [&] {
    TransportBench<World> bench(world);
    auto& client = bench.MakeClient();
    auto& first = bench.MakeServer(2);
    std::set<std::string> ids = {bench.Submit(client, "in hand"),
                                 bench.Submit(client, "in hand too")};
    for (int i = 0; i < 2; ++i) {
      Delivery delivery = bench.Next(first);
      const bool redelivered = delivery.facts().redelivered;
      testing::Abandon(std::move(delivery));
      Require(!redelivered, "a new request was marked redelivered");
    }
    bench.Kill(first);
    auto& second = bench.MakeServer(1);
    bench.Submit(client, "after");
    for (std::size_t left = ids.size(); left > 0; --left) {
      Delivery delivery = bench.Next(second);
      Require(
          ids.erase(std::string(delivery.request().correlation_id.view())) == 1,
          "what a dead server held was not delivered again");
      Require(delivery.facts().redelivered,
              "a request was delivered again and not marked");
      Echo(std::move(delivery));
    }
    Delivery after = bench.Next(second);
    const bool after_redelivered = after.facts().redelivered;
    std::move(after).Requeue();
    Require(!after_redelivered, "a new request was marked redelivered");
    Delivery again = bench.Next(second);
    Require(again.facts().redelivered,
            "a request that was given back was not marked");
    Echo(std::move(again));
  });
}

// A request that waited beyond its deadline is not delivered.
template <typename World>
absl::Status Expires(World& world) {
  return Judge("Expires", [&] {
    TransportBench<World> bench(world);
    auto& server = bench.MakeServer(1);
    auto& client = bench.MakeClient();
    bench.Submit(client, "in hand");
    Delivery in_hand = bench.Next(server);
    bench.Submit(client, bench.MakeRequest("short", absl::Milliseconds(50)));
    const std::string patient = bench.Submit(client, "patient");
    // Woken for this one's deadline, the test knows that the other one's has
    // passed, for whoever counts from the request's arrival too.
    bench.Submit(client, bench.MakeRequest("marker", absl::Milliseconds(250)));
    Require(client.events.WaitForWakeUps(2, Patience<World>()),
            "no OnTime came for a deadline");
    Echo(std::move(in_hand));
    Delivery next = bench.Next(server);
    Require(next.request().correlation_id == patient,
            "a request was delivered after its deadline");
    Echo(std::move(next));
    bench.ReplyTo(client, patient);
  });
}

// A request that no queue takes is UNAVAILABLE at once, and has not run.
template <typename World>
absl::Status Returns(World& world) {
  return Judge("Returns", [&] {
    TransportBench<World> bench(world);
    auto& client = bench.MakeClient();
    const std::string id =
        bench.Submit(client, bench.MakeRequest("", absl::Hours(1)));
    const absl::Status status = bench.ReplyTo(client, id).status;
    Require(status.code() == absl::StatusCode::kUnavailable,
            "a request that no queue takes was answered " + status.ToString());
    Require(!MayHaveRun(status),
            "a request that no queue takes was said to have run");
  });
}

// Many requests at once, answered in any order.
template <typename World>
absl::Status Concurrent(World& world) {
  return Judge("Concurrent", [&] {
    constexpr std::size_t kThreads = 4;
    constexpr std::size_t kPerThread = 16;
    TransportBench<World> bench(world);
    auto& server = bench.MakeServer(static_cast<int>(kThreads * kPerThread));
    auto& client = bench.MakeClient();
    std::vector<Request> requests;
    for (std::size_t i = 0; i < kThreads * kPerThread; ++i) {
      requests.push_back(bench.MakeRequest(std::to_string(i)));
      client.events.Expect(requests.back().deadline);
    }
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (std::size_t i = 0; i < kPerThread; ++i) {
          client.transport->Submit(Request(requests[t * kPerThread + i]))
              .IgnoreError();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    // None is answered before all are there; the last to come is the first.
    std::vector<Delivery> deliveries;
    for (std::size_t i = 0; i < kThreads * kPerThread; ++i) {
      deliveries.push_back(bench.Next(server));
    }
    while (!deliveries.empty()) {
      Echo(std::move(deliveries.back()));
      deliveries.pop_back();
    }
    for (const Request& request : requests) {
      const Reply reply = bench.ReplyTo(client, request.correlation_id);
      Require(reply.status.ok() && reply.body == request.body,
              "a request was given another one's reply");
    }
  });
}

}  // namespace rpc::laws

#endif  // RPC_TESTS_LAWS_TAGGED_TRANSPORT_LAWS_H_
