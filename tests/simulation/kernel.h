#ifndef TESTS_SIMULATION_KERNEL_H_
#define TESTS_SIMULATION_KERNEL_H_

#include <cstdint>
#include <functional>

namespace rpc::simulation {

// What a simulated run gets from the operating system. While one of these
// lives, getrandom(2) on its thread draws from `seed`, and a wait on a
// condition variable calls `wait`, without the mutex, instead of sleeping: the
// classes under test know nothing of it. One at a time on a thread.
class Kernel {
 public:
  Kernel(std::uint64_t seed, std::function<void()> wait);
  ~Kernel();
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  // This thread's, or null.
  static Kernel* Here();

  std::uint64_t NextRandom();
  void Wait() { wait_(); }

 private:
  std::uint64_t state_;
  const std::function<void()> wait_;
};

}  // namespace rpc::simulation

#endif  // TESTS_SIMULATION_KERNEL_H_
