#ifndef RPC_MESSAGE_SERVER_CONTEXT_H_
#define RPC_MESSAGE_SERVER_CONTEXT_H_

#include <stop_token>
#include <string_view>

#include "rpc/base/deadline.h"
#include "rpc/message/envelope.h"

namespace rpc {

// What a handler may know of the call that it serves. Lives as long as the
// handler runs; copy what has to live longer. Calls made on the handler's
// behalf pass it on, `{.parent = &context}`, and inherit deadline and trace.
struct ServerContext {
  // When the caller gives up. An upper bound: the server knows when the request
  // arrived, not how long it waited in the queue.
  Deadline deadline = {};
  // Requested when nobody will have the handler's result: when the deadline
  // passes, when the request's delivery was lost with its connection, and when
  // the server is stopped and its drain_timeout is over.
  std::stop_token cancellation = {};
  // A server had this request before: the handler may have run.
  bool redelivered = false;
  // How often it was delivered before, where the queue counts that.
  int earlier_deliveries = 0;
  std::string_view method = {};
  // The same in each attempt at one call: the idempotency key. May be empty.
  std::string_view message_id = {};
  // Null if the call came with none.
  const Metadata* metadata = nullptr;
};

}  // namespace rpc

#endif  // RPC_MESSAGE_SERVER_CONTEXT_H_
