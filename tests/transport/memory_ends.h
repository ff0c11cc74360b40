#ifndef RPC_TESTS_TRANSPORT_MEMORY_ENDS_H_
#define RPC_TESTS_TRANSPORT_MEMORY_ENDS_H_

#include <memory>
#include <optional>
#include <string_view>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/base/deadline.h"
#include "rpc/message/delivery.h"
#include "rpc/message/envelope.h"
#include "rpc/transport/memory_broker.h"
#include "rpc/transport/memory_transport.h"
#include "tests/support/recording_calls.h"
#include "tests/support/recording_server.h"

namespace rpc::testing {

// With its id as its body.
inline Request RequestOf(std::string_view id, Deadline deadline = Deadline()) {
  Request request;
  request.correlation_id = id;
  request.body = id;
  request.deadline = deadline;
  return request;
}

// What a step that cannot take time has left behind.
inline std::optional<Delivery> Taken(RecordingServer& server) {
  return server.Take(absl::ZeroDuration());
}

// One client and one server, with what they were told.
class MemoryEnds : public ::testing::Test {
 protected:
  explicit MemoryEnds(MemoryBroker::Options options = {})
      : broker(std::make_shared<MemoryBroker>(options)) {}

  void Serve(int prefetch = 1) {
    ASSERT_TRUE(server_end->StartServing(&server, {.prefetch = prefetch}).ok());
  }
  void Call() { ASSERT_TRUE(client_end->StartCalls(&calls).ok()); }
  void Submit(std::string_view id, Deadline deadline = Deadline()) {
    ASSERT_TRUE(client_end->Submit(RequestOf(id, deadline)).ok());
  }

  std::shared_ptr<MemoryBroker> broker;
  RecordingCalls calls;
  RecordingServer server;
  std::unique_ptr<MemoryTransport> client_end =
      std::make_unique<MemoryTransport>(
          MemoryTransport::Options{.broker = broker});
  std::unique_ptr<MemoryTransport> server_end =
      std::make_unique<MemoryTransport>(
          MemoryTransport::Options{.broker = broker});
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_TRANSPORT_MEMORY_ENDS_H_
