#ifndef RPC_CORE_ENDPOINT_OPTIONS_H_
#define RPC_CORE_ENDPOINT_OPTIONS_H_

#include <cstddef>

#include "absl/time/time.h"
#include "rpc/core/retry_policy.h"
#include "rpc/core/server.h"

namespace rpc {

// How an endpoint is opened. A value.
template <typename Transport>
struct EndpointOptions {
  typename Transport::Options transport = {};
  // How long Open may take to reach the other side.
  absl::Duration open_timeout = absl::Seconds(10);
  // The timeout of calls that set none. Finite, so that no call waits for ever
  // because somebody forgot it.
  absl::Duration default_timeout = absl::Seconds(30);
  // Whether and how calls that failed are made again. Not over a transport of
  // the same thread: there a call that failed would fail again.
  RetryPolicy retry = {};
  // Calls beyond these end at once with RESOURCE_EXHAUSTED, or wait: see
  // CallOptions::when_full.
  std::size_t max_in_flight = 200'000;
  // Threads that run the callbacks of asynchronous calls. 0: they run on the
  // transport's own thread, where the reply came, or in CallAsync itself. That
  // saves a hand-over; but a callback that waits there holds up every call of
  // the endpoint, so that Call() in one fails with FAILED_PRECONDITION.
  int callback_threads = 1;
  // Transports, each opened with `transport`: calls take turns over those that
  // are not down, and Serve() takes requests from all.
  int connections = 1;
  ServerOptions server = {};
};

}  // namespace rpc

#endif  // RPC_CORE_ENDPOINT_OPTIONS_H_
