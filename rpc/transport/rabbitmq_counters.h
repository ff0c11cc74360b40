#ifndef RPC_TRANSPORT_RABBITMQ_COUNTERS_H_
#define RPC_TRANSPORT_RABBITMQ_COUNTERS_H_

#include <atomic>
#include <cstdint>

#include "rpc/transport/rabbitmq_connection_event.h"

namespace rpc::rabbitmq {

// RabbitMqCounters as they are counted. Thread-safe.
struct Counters {
  std::atomic<std::uint64_t> connected = 0;
  std::atomic<std::uint64_t> lost = 0;
  std::atomic<std::uint64_t> failed = 0;
  std::atomic<std::uint64_t> blocked = 0;
  std::atomic<std::uint64_t> returned = 0;
  std::atomic<std::uint64_t> delivered = 0;
  std::atomic<std::uint64_t> nacked = 0;

  RabbitMqCounters Read() const {
    return {.connected = connected,
            .lost = lost,
            .failed = failed,
            .blocked = blocked,
            .returned = returned,
            .delivered = delivered,
            .nacked = nacked};
  }
};

}  // namespace rpc::rabbitmq

#endif  // RPC_TRANSPORT_RABBITMQ_COUNTERS_H_
