#include <cstdint>

#include "rpc/handler/fibonacci.h"

using Number = std::int64_t;
static_assert(sizeof(rpc::Fibonacci<Number>) > 0);
