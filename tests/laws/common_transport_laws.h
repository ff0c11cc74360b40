#ifndef RPC_TESTS_LAWS_COMMON_TRANSPORT_LAWS_H_
#define RPC_TESTS_LAWS_COMMON_TRANSPORT_LAWS_H_

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/transport_policy.h"
#include "tests/laws/transport_bench.h"

// The laws of rpc/transport/transport_policy.h that each transport with two
// halves obeys. See transport_laws.h for what a world is.
namespace rpc::laws {

namespace transport_internal {

// Bytes of every value, in an order without a short period.
inline std::string BytesOfEachValue(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>((i * 7 + i / 256 * 13) & 255);
  }
  return bytes;
}

inline std::map<std::string, int> CountReplies(
    const testing::RecordingCalls& events) {
  std::map<std::string, int> counts;
  for (const Reply& reply : events.replies()) {
    ++counts[std::string(reply.correlation_id.view())];
  }
  return counts;
}

inline void RequireNoneTwice(
    std::initializer_list<const testing::RecordingServer*> servers) {
  std::set<std::string> handed_out;
  for (const testing::RecordingServer* server : servers) {
    for (const std::string& id : server->ids()) {
      Require(handed_out.insert(id).second, "a delivery was handed out twice");
    }
  }
}

inline void RequireSameRequest(const Request& sent, const Request& arrived) {
  Require(arrived.correlation_id == sent.correlation_id,
          "the correlation id of a request changed");
  Require(arrived.message_id == sent.message_id,
          "the message id of a request changed");
  Require(arrived.method == sent.method, "the method of a request changed");
  Require(arrived.content_type == sent.content_type,
          "the content type of a request changed");
  Require(arrived.attempt == sent.attempt, "the attempt's number changed");
  Require(arrived.body == sent.body, "the body of a request of " +
                                         std::to_string(sent.body.size()) +
                                         " bytes changed");
  const auto sorted = [](Metadata metadata) {
    std::sort(metadata.begin(), metadata.end());
    return metadata;
  };
  Require(sorted(arrived.metadata) == sorted(sent.metadata),
          "the metadata of a request changed");
}

inline void RequireSameReply(const Reply& sent, const Reply& arrived) {
  Require(arrived.status == sent.status,
          "a reply's status " + sent.status.ToString() + " became " +
              arrived.status.ToString());
  Require(arrived.content_type == sent.content_type,
          "the content type of a reply changed");
  Require(arrived.body == sent.body, "the body of a reply of " +
                                         std::to_string(sent.body.size()) +
                                         " bytes changed");
}

}  // namespace transport_internal

// A request that Submit accepted ends in one OnReply or OnLost.
template <typename World>
absl::Status EndsOnce(World& world) {
  return Judge("EndsOnce", [&] {
    constexpr std::size_t kRequests = 50;
    TransportBench<World> bench(world);
    bench.MakeServer(10, Echo);
    auto& client = bench.MakeClient();
    std::set<std::string> ids;
    for (std::size_t i = 0; i < kRequests; ++i) {
      ids.insert(bench.Submit(client, std::to_string(i)));
    }
    for (const std::string& id : ids) bench.ReplyTo(client, id);
    // A second end of one of those would come before that of a later request.
    bench.ReplyTo(client, bench.Submit(client, "last"));
    for (const auto& [id, count] :
         transport_internal::CountReplies(client.events)) {
      Require(count == 1,
              "request " + id + " ended " + std::to_string(count) + " times");
    }
  });
}

// Bodies and ids arrive byte for byte, from 0 bytes up.
template <typename World>
absl::Status Carries(World& world) {
  return Judge("Carries", [&] {
    TransportBench<World> bench(world);
    auto& server = bench.MakeServer(1);
    auto& client = bench.MakeClient();
    const auto carry = [&](const Request& request, const Reply& reply) {
      const std::string id = bench.Submit(client, request);
      Delivery delivery = bench.Next(server);
      transport_internal::RequireSameRequest(request, delivery.request());
      std::move(delivery).Answer(Reply(reply));
      transport_internal::RequireSameReply(reply, bench.ReplyTo(client, id));
    };
    constexpr std::size_t kSizes[] = {0, 1, 64, 65, 4096, 131072, 300000};
    for (const std::size_t size : kSizes) {
      const std::string body = transport_internal::BytesOfEachValue(size);
      Reply reply;
      reply.body = std::string_view(body);
      carry(bench.MakeRequest(body), reply);
    }
    Request request = bench.MakeRequest("arguments");
    request.message_id = "the same in each attempt";
    request.method = "a.method";
    request.content_type = "application/x-arguments";
    request.attempt = 3;
    request.metadata = {{"traceparent", "00-1-2-01"}, {"key", "a \"value\""}};
    carry(request, {.content_type = "application/x-result", .body = "result"});
    carry(bench.MakeRequest(""),
          {.status = NotRun(absl::OutOfRangeError("n is 94; at most \"93\""))});
    carry(bench.MakeRequest(""),
          {.status = WithRetryAfter(absl::ResourceExhaustedError("busy"),
                                    absl::Milliseconds(250))});
  });
}

// No request is carried whose Claim was refused.
template <typename World>
absl::Status ClaimsFirst(World& world) {
  return Judge("ClaimsFirst", [&] {
    TransportBench<World> bench(world);
    auto& server = bench.MakeServer(1);
    auto& client = bench.MakeClient();
    const Request refused = bench.MakeRequest("refused");
    client.events.Refuse(refused.correlation_id);
    bench.Submit(client, refused);
    const std::string id = bench.Submit(client, "granted");
    Delivery delivery = bench.Next(server);
    Require(delivery.request().correlation_id == id,
            "a request was delivered whose Claim was refused");
    const std::vector<std::string> claims = client.events.claims();
    Require(std::count(claims.begin(), claims.end(), id) == 1,
            "a request was delivered that was not claimed once");
    Echo(std::move(delivery));
    bench.ReplyTo(client, id);
    Require(client.events.replies().size() == 1,
            "a request was answered whose Claim was refused");
  });
}

// A delivery is handed out once until it is settled or lost.
template <typename World>
absl::Status SettlesOnce(World& world) {
  return Judge("SettlesOnce", [&] {
    TransportBench<World> bench(world);
    auto& client = bench.MakeClient();
    auto& first = bench.MakeServer(3);
    std::set<std::string> ids;
    for (int i = 0; i < 10; ++i) {
      ids.insert(bench.Submit(client, std::to_string(i)));
    }
    Require(first.events.WaitForDeliveries(3, Patience<World>()),
            "a server was given fewer requests than its prefetch allows");
    auto& second = bench.MakeServer(20);
    const bool handed_out_all =
        second.events.WaitForDeliveries(7, Patience<World>());
    transport_internal::RequireNoneTwice({&first.events, &second.events});
    Require(first.events.ids().size() == 3,
            "a server was given more requests than its prefetch allows");
    Require(handed_out_all, "a request was not delivered");
    // Whatever else is in the queue comes before this.
    const std::string last = bench.Submit(client, "last");
    Require(second.events.WaitForDeliveries(8, Patience<World>()),
            "a request was not delivered");
    transport_internal::RequireNoneTwice({&first.events, &second.events});
    ids.insert(last);
    for (int i = 0; i < 3; ++i) Echo(bench.Next(first));
    for (int i = 0; i < 8; ++i) Echo(bench.Next(second));
    for (const std::string& id : ids) bench.ReplyTo(client, id);
    bench.Stop(first);
    bench.Stop(second);
    auto& third = bench.MakeServer(1);
    const std::string after = bench.Submit(client, "after");
    Echo(bench.Next(third, after));
    bench.ReplyTo(client, after);
  });
}

// A dropped delivery is answered INTERNAL and acknowledged.
template <typename World>
absl::Status DropAnswers(World& world) {
  return Judge("DropAnswers", [&] {
    TransportBench<World> bench(world);
    auto& client = bench.MakeClient();
    auto& first = bench.MakeServer(1);
    const std::string dropped = bench.Submit(client, "dropped");
    { const Delivery delivery = bench.Next(first, dropped); }
    const absl::Status status = bench.ReplyTo(client, dropped).status;
    Require(status.code() == absl::StatusCode::kInternal,
            "a dropped request was answered " + status.ToString());
    bench.Stop(first);
    bench.Kill(first);
    auto& second = bench.MakeServer(1);
    const std::string after = bench.Submit(client, "after");
    Echo(bench.Next(second, after));
    bench.ReplyTo(client, after);
  });
}

namespace transport_internal {

// What the server holds when it is stopped can be answered; what waits goes to
// the next one.
template <typename World>
void StopWithSomeInHand(World& world) {
  TransportBench<World> bench(world);
  auto& client = bench.MakeClient();
  auto& first = bench.MakeServer(2);
  std::vector<std::string> ids;
  for (int i = 0; i < 6; ++i) {
    ids.push_back(bench.Submit(client, std::to_string(i)));
  }
  Delivery a = bench.Next(first);
  Delivery b = bench.Next(first);
  bench.Stop(first);
  Echo(std::move(a));
  Echo(std::move(b));
  auto& second = bench.MakeServer(1, Echo);
  const bool answered =
      client.events.WaitForReplies(ids.size(), Patience<World>());
  Require(first.events.ids().size() == 2,
          "a delivery came after StopServing returned");
  Require(answered, "a request was not answered");
  Require(second.events.ids().size() == 4,
          "a request that was answered after StopServing came again");
}

// The server is stopped while requests rush in.
template <typename World>
void StopInTheRush(World& world) {
  constexpr int kRequests = 300;
  TransportBench<World> bench(world);
  auto& client = bench.MakeClient();
  auto& first = bench.MakeServer(20, Echo);
  std::vector<Request> requests;
  for (int i = 0; i < kRequests; ++i) {
    requests.push_back(bench.MakeRequest("rush"));
  }
  std::atomic<int> refused = 0;
  std::thread rush([&] {
    for (const Request& request : requests) {
      client.events.Expect(request.deadline);
      if (!client.transport->Submit(Request(request)).ok()) ++refused;
    }
  });
  const bool served =
      first.events.WaitForDeliveries(kRequests / 3, Patience<World>());
  const absl::Status stopped =
      first.transport->StopServing(Deadline::After(Patience<World>()));
  const std::size_t delivered = first.events.ids().size();
  rush.join();
  Require(served, "a request was not delivered");
  Require(refused == 0, "Submit refused a request");
  RequireOk(stopped, "StopServing");
  auto& second = bench.MakeServer(20, Echo);
  for (const Request& request : requests) {
    bench.ReplyTo(client, request.correlation_id);
  }
  Require(first.events.ids().size() == delivered,
          "a delivery came after StopServing returned");
  bench.Stop(second);
}

}  // namespace transport_internal

// No delivery after StopServing; none is lost by it.
template <typename World>
absl::Status StopsClean(World& world) {
  return Judge("StopsClean", [&] {
    transport_internal::StopWithSomeInHand(world);
    transport_internal::StopInTheRush(world);
  });
}

// OnTime comes within 100 ms of an accepted request's deadline. A transport
// that is late keeps the law if it is in time when it is tried again: on a busy
// machine, others are late too.
template <typename World>
absl::Status WakesInTime(World& world) {
  return Judge("WakesInTime", [&] {
    constexpr int kTries = 5;
    TransportBench<World> bench(world);
    bench.MakeServer(100);
    auto& client = bench.MakeClient();
    Clock::duration late = {};
    for (int i = 0; i < kTries; ++i) {
      const std::size_t before = client.events.wake_ups().size();
      for (const int milliseconds : {60, 20, 40}) {
        bench.Submit(client,
                     bench.MakeRequest("", absl::Milliseconds(milliseconds)));
      }
      Require(client.events.WaitForWakeUps(before + 3, Patience<World>()),
              "no OnTime came for a deadline");
      late = {};
      const auto wake_ups = client.events.wake_ups();
      for (std::size_t at = before; at < wake_ups.size(); ++at) {
        late = std::max(late, wake_ups[at].late);
      }
      if (late <= std::chrono::milliseconds(100)) return;
    }
    Require(false, "OnTime came " +
                       absl::FormatDuration(absl::FromChrono(late)) +
                       " after the deadline");
  });
}

}  // namespace rpc::laws

#endif  // RPC_TESTS_LAWS_COMMON_TRANSPORT_LAWS_H_
