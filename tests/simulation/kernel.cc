#include "tests/simulation/kernel.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <utility>

namespace rpc::simulation {
namespace {

thread_local Kernel* here = nullptr;

}  // namespace

Kernel::Kernel(std::uint64_t seed, std::function<void()> wait)
    : state_(seed), wait_(std::move(wait)) {
  here = this;
}
Kernel::~Kernel() { here = nullptr; }

Kernel* Kernel::Here() { return here; }

// Good enough for what nobody wants to guess here, and cheap.
std::uint64_t Kernel::NextRandom() {
  state_ = state_ * 0x5851f42d4c957f2d + 0x14057b7ef767814f;
  return state_ ^ state_ >> 33;
}

}  // namespace rpc::simulation

// The program's definitions go before the C library's.
extern "C" {

// ThreadSanitizer's, where that is part of the program: it has to see that the
// mutex is let go of.
[[gnu::weak]] int __interceptor_pthread_cond_wait(pthread_cond_t*,
                                                  pthread_mutex_t*);

ssize_t getrandom(void* buffer, std::size_t size, unsigned flags) {
  rpc::simulation::Kernel* const kernel = rpc::simulation::Kernel::Here();
  if (kernel == nullptr) {
    return static_cast<ssize_t>(::syscall(SYS_getrandom, buffer, size, flags));
  }
  auto* at = static_cast<char*>(buffer);
  for (std::size_t left = size; left > 0;) {
    const std::uint64_t number = kernel->NextRandom();
    const std::size_t part = std::min(left, sizeof(number));
    std::memcpy(at, &number, part);
    at += part;
    left -= part;
  }
  return static_cast<ssize_t>(size);
}

int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
  rpc::simulation::Kernel* const kernel = rpc::simulation::Kernel::Here();
  if (kernel == nullptr) {
    using Wait = int (*)(pthread_cond_t*, pthread_mutex_t*);
    static const Wait real =
        __interceptor_pthread_cond_wait != nullptr
            ? &__interceptor_pthread_cond_wait
            : reinterpret_cast<Wait>(::dlsym(RTLD_NEXT, "pthread_cond_wait"));
    return real(condition, mutex);
  }
  ::pthread_mutex_unlock(mutex);
  kernel->Wait();
  ::pthread_mutex_lock(mutex);
  return 0;
}

}  // extern "C"
