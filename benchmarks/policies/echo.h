#ifndef BENCHMARKS_POLICIES_ECHO_H_
#define BENCHMARKS_POLICIES_ECHO_H_

#include "rpc/message/method.h"

namespace rpc::benchmarks {

// Returns what it is given: the handler that costs least. Stateless.
template <typename Value>
struct Echo {
  using Method = rpc::Method<"echo", Value(Value)>;

  constexpr Value operator()(const Value& value) const { return value; }
};

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_POLICIES_ECHO_H_
