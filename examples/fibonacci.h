#ifndef EXAMPLES_FIBONACCI_H_
#define EXAMPLES_FIBONACCI_H_

#include <gmpxx.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "rpc/handler/fibonacci.h"
#include "rpc/handler/memoized.h"
#include "rpc/message/method.h"
#include "rpc/serializer/gmp_integer.h"
#include "rpc/transport/rabbitmq_topology.h"

// What the Fibonacci server and client have in common.
namespace examples {

// Exact at every n: the result is one of GMP's integers.
using FibonacciMethod = rpc::Method<"fibonacci", mpz_class(std::uint64_t)>;
using FibonacciHandler = rpc::Memoized<rpc::Fibonacci<mpz_class>>;

// The topology of that name, over `queue` or else the preset's own queue.
inline std::optional<rpc::RabbitMqTopology> TopologyNamed(
    const std::string& name, const std::string& queue) {
  const std::string queue_or_default = queue.empty() ? "fibonacci" : queue;
  if (name == "tutorial") return rpc::TutorialQueue(queue_or_default);
  if (name == "quorum") return rpc::QuorumQueue(queue_or_default);
  if (name == "passive") return rpc::PassiveQueue(queue_or_default);
  if (name != "reference") return std::nullopt;
  return queue.empty() ? rpc::ReferenceTopology()
                       : rpc::ReferenceTopology(queue);
}

// Code and message, without what is for programs.
inline std::string Shown(const absl::Status& status) {
  return status.ToString(absl::StatusToStringMode::kWithNoExtraData);
}

inline constexpr const char* kTopologyHelp =
    "tutorial (a durable queue), reference (the queue and exchange of the "
    "reference server), quorum (a replicated queue) or passive (a queue that "
    "others declare)";

}  // namespace examples

#endif  // EXAMPLES_FIBONACCI_H_
