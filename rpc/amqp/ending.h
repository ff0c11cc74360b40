#ifndef RPC_AMQP_ENDING_H_
#define RPC_AMQP_ENDING_H_

#include "absl/status/status.h"

namespace rpc::amqp {

// Whether trying again can help: kNever for what only a change of options,
// rights or topology cures.
enum class Retry { kYes, kNever };

// Why a connection or a channel is over.
struct Ending {
  absl::Status status = {};
  Retry retry = Retry::kYes;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_ENDING_H_
