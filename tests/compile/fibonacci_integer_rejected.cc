// message: Fibonacci: Integer must be an integer type, one for which
// message: std::numeric_limits<Integer>::is_integer is true; see
// message: rpc/handler/fibonacci.h.
#include <cstdint>

#include "rpc/handler/fibonacci.h"

using Number = double;
static_assert(sizeof(rpc::Fibonacci<Number>) > 0);
