#ifndef RPC_TESTS_FAULTS_RAISE_TO_H_
#define RPC_TESTS_FAULTS_RAISE_TO_H_

#include <atomic>

namespace rpc::testing {

// Makes `*most` at least `value`, whoever else raises it meanwhile.
template <typename T>
void RaiseTo(std::atomic<T>* most, T value) {
  T seen = *most;
  while (value > seen && !most->compare_exchange_weak(seen, value)) {
  }
}

}  // namespace rpc::testing

#endif  // RPC_TESTS_FAULTS_RAISE_TO_H_
