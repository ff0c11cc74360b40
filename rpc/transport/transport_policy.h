#ifndef RPC_TRANSPORT_TRANSPORT_POLICY_H_
#define RPC_TRANSPORT_TRANSPORT_POLICY_H_

#include <atomic>
#include <concepts>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "rpc/base/bytes.h"
#include "rpc/base/deadline.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/transport_events.h"

// The transport's seam: requests to a server and replies back.
//
//   struct Transport {
//     struct Options;                        // default-constructible
//     static constexpr TransportTraits kTraits;
//
//     explicit Transport(Options options);   // does nothing that can fail
//     ~Transport();                          // at most 1 s; no events after it
//
//     // Reaches the other side, or says why not. Called once, first.
//     absl::Status Open(Deadline deadline);
//     // For people: where its requests go, without credentials.
//     std::string Describe() const;
//
//     // The calling half. StartCalls comes once, before the first Submit.
//     absl::Status StartCalls(CallEvents* events);
//     absl::Status Submit(Request request);
//
//     // Optional. If absent, calls that are made again do not pause before.
//     // Causes an OnTime soon.
//     void Wake();
//     // Optional, beside Wake. If absent, a blocking caller sleeps until its
//     // reply. As Submit, by one who waits until `done` and knows of no
//     request
//     // under way but its own: its thread may run the transport until then.
//     // Wake follows if others are under way by then, and comes from whoever
//     // sets `done` outside of an event.
//     absl::Status SubmitAndRun(Request, const std::atomic<bool>& done);
//     // Optional. If absent, the time is Clock::now(). What deadlines are
//     // measured by, at both ends: for transports that simulate.
//     TimePoint Now() const;
//     // Optional. If absent, always OK. Why a request submitted now would have
//     // to wait for the other side to be reached.
//     absl::Status Ready() const;
//
//     // The serving half. StopServing: no delivery after it returned. Flush:
//     // until what was settled has left.
//     absl::Status StartServing(ServerEvents* events, ServingOptions options);
//     absl::Status StopServing(Deadline deadline);
//     absl::Status Flush(Deadline deadline);
//   };
//
// Thread-safe after Open. Events come from threads of the transport's or from
// within Submit, SubmitAndRun and Settle, never under a lock of its own; they
// return quickly.
// `events` outlive the transport.
//
// A transport with kTraits.same_thread has no halves. Instead it carries a body
// to the handler and back on the caller's thread:
//
//     template <typename Serve>   // absl::Status(method, body)
//     absl::Status Exchange(std::string_view method, std::string_view body,
//                           Serve&& serve);
//
// Laws (tests/laws/transport_laws.h). Common:
//   EndsOnce      a request that Submit accepted ends in one OnReply or OnLost.
//   Carries       bodies and ids arrive byte for byte, from 0 bytes up.
//   ClaimsFirst   no request is carried whose Claim was refused.
//   SettlesOnce   a delivery is handed out once until it is settled or lost.
//   DropAnswers   a dropped delivery is answered INTERNAL and acknowledged.
//   StopsClean    no delivery after StopServing; none is lost by it.
//   WakesInTime   OnTime comes within 100 ms of an accepted request's deadline.
// With the trait of the same name: Redelivers, Expires, Returns, Concurrent.
namespace rpc {

// What a transport can do beyond the common laws.
struct TransportTraits {
  // Calls run on their caller's thread; see Exchange above.
  bool same_thread = false;
  // What a server did not settle is delivered again, marked as such.
  bool redelivers = false;
  // A request that waited beyond its deadline is not delivered.
  bool expires = false;
  // A request that no queue takes is UNAVAILABLE at once.
  bool returns = false;
  // Many requests at once, answered in any order.
  bool concurrent = false;
};

struct ServingOptions {
  // The most deliveries that are handed out and not settled. At least 1.
  int prefetch = 1;
  // Nobody chose `prefetch`: a transport that knows better may.
  bool prefetch_is_default = false;
};

template <typename T>
concept HasTransportTraits = requires {
  { T::kTraits } -> std::convertible_to<TransportTraits>;
};

template <typename T>
concept SameThread = HasTransportTraits<T> && T::kTraits.same_thread;

template <typename T>
concept HasOptions = requires {
  typename T::Options;
}
&&std::default_initializable<typename T::Options>&&
    std::constructible_from<T, typename T::Options>;

template <typename T>
concept OpensAndDescribes = requires(T& transport, const T& const_transport) {
  { transport.Open(Deadline()) } -> std::same_as<absl::Status>;
  { const_transport.Describe() } -> std::convertible_to<std::string>;
};

template <typename T>
concept CarriesCalls = requires(T& transport, CallEvents* events,
                                Request request) {
  { transport.StartCalls(events) } -> std::same_as<absl::Status>;
  {
    transport.Submit(static_cast<Request&&>(request))
    } -> std::same_as<absl::Status>;
};

template <typename T>
concept Wakes = requires(T& transport) {
  transport.Wake();
};

template <typename T>
concept RunsOnCaller = Wakes<T> &&
    requires(T& transport, Request request, const std::atomic<bool>& done) {
  {
    transport.SubmitAndRun(static_cast<Request&&>(request), done)
    } -> std::same_as<absl::Status>;
};

template <typename T>
concept KeepsTime = requires(const T& transport) {
  { transport.Now() } -> std::same_as<TimePoint>;
};

template <typename T>
concept TellsReady = requires(const T& transport) {
  { transport.Ready() } -> std::same_as<absl::Status>;
};

template <typename T>
concept Serves = requires(T& transport, ServerEvents* events,
                          ServingOptions options) {
  { transport.StartServing(events, options) } -> std::same_as<absl::Status>;
  { transport.StopServing(Deadline()) } -> std::same_as<absl::Status>;
  { transport.Flush(Deadline()) } -> std::same_as<absl::Status>;
};

template <typename T>
concept Exchanges = requires(T& transport,
                             absl::Status (*serve)(std::string_view,
                                                   std::string_view)) {
  {
    transport.Exchange(std::string_view(), std::string_view(), serve)
    } -> std::same_as<absl::Status>;
};

}  // namespace rpc

#endif  // RPC_TRANSPORT_TRANSPORT_POLICY_H_
