#ifndef RPC_TESTS_SUPPORT_BROKER_H_
#define RPC_TESTS_SUPPORT_BROKER_H_

#include <string>

namespace rpc::testing {

// URL of a real broker that is up: that of the environment variable
// RPC_TEST_BROKER_URL, which `tests/run` sets, or else of one that this process
// starts at the first call and ends with itself. Tests share it, so they name
// their queues uniquely and neither kill nor reconfigure it. If no broker
// starts, the process ends with a failure and the reason. Thread-safe.
std::string BrokerUrl();

}  // namespace rpc::testing

#endif  // RPC_TESTS_SUPPORT_BROKER_H_
