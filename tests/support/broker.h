#ifndef RPC_TESTS_SUPPORT_BROKER_H_
#define RPC_TESTS_SUPPORT_BROKER_H_

#include <atomic>
#include <random>
#include <string>

namespace rpc::testing {

// URL of a real broker that is up: that of the environment variable
// RPC_TEST_BROKER_URL, which `tests/run` sets, or else of one that this process
// starts at the first call and ends with itself. Tests share it, so they name
// their queues uniquely and neither kill nor reconfigure it. If no broker
// starts, the process ends with a failure and the reason. Thread-safe.
std::string BrokerUrl();

// A name that no other test, process or run has. (Not from the process id: in
// a sandbox of its own each run has the same.)
inline std::string UniqueName(const std::string& what) {
  static std::atomic<int> made = 0;
  static const unsigned run = std::random_device()();
  return "test." + what + "." + std::to_string(run) + "." +
         std::to_string(made++);
}

}  // namespace rpc::testing

#endif  // RPC_TESTS_SUPPORT_BROKER_H_
