#ifndef RPC_AMQP_RABBITMQ_C_H_
#define RPC_AMQP_RABBITMQ_C_H_

// The one place that includes rabbitmq-c, from 0.11 (<amqp.h>) to the newest
// (<rabbitmq-c/amqp.h>). We use it as a codec and nothing else: its sockets,
// timers and connection state stay untouched.

#include <cstddef>
#include <string_view>

#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/framing.h>
#else
#include <amqp.h>
#include <amqp_framing.h>
#endif

namespace rpc::amqp {

// A view of `text` in rabbitmq-c's terms. It declares its inputs mutable and
// never writes to them.
inline amqp_bytes_t ToAmqp(std::string_view text) {
  amqp_bytes_t bytes;
  bytes.len = text.size();
  bytes.bytes = const_cast<char*>(text.data());
  return bytes;
}

inline std::string_view ToView(amqp_bytes_t bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}

// Owns the memory that rabbitmq-c decodes methods and properties into. It keeps
// its page across Recycle(), so that decoding allocates nothing once warm.
// Thread-compatible.
class MethodPool {
 public:
  MethodPool() { init_amqp_pool(&pool_, kPageSize); }
  ~MethodPool() { empty_amqp_pool(&pool_); }
  MethodPool(const MethodPool&) = delete;
  MethodPool& operator=(const MethodPool&) = delete;

  amqp_pool_t* get() { return &pool_; }

  // Invalidates all that was decoded into the pool.
  void Recycle() { recycle_amqp_pool(&pool_); }

 private:
  static constexpr std::size_t kPageSize = 4096;

  amqp_pool_t pool_;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_RABBITMQ_C_H_
