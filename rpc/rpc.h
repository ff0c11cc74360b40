#ifndef RPC_RPC_H_
#define RPC_RPC_H_

// The front door: the endpoint and the policies that need only the standard
// library and Abseil. What needs more is named by its own header:
//
//   rpc/transport/rabbitmq_transport.h  RabbitMqTransport   rabbitmq-c, OpenSSL
//   rpc/serializer/json_serializer.h    JsonSerializer      nlohmann/json
//   rpc/serializer/gmp_integer.h        mpz_class           GMP

#include "rpc/base/bytes.h"
#include "rpc/base/deadline.h"
#include "rpc/base/outcome.h"
#include "rpc/base/status.h"
#include "rpc/core/call_options.h"
#include "rpc/core/stop_on_signal.h"
#include "rpc/endpoint.h"
#include "rpc/handler/fibonacci.h"
#include "rpc/handler/memoized.h"
#include "rpc/handler/service.h"
#include "rpc/message/method.h"
#include "rpc/message/server_context.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/transport/direct_transport.h"
#include "rpc/transport/memory_transport.h"

#endif  // RPC_RPC_H_
