#include "benchmarks/meter/process_cost.h"

#include <time.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::uint64_t> allocation_count = 0;

void* CountedAllocation(std::size_t size) {
  allocation_count.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) { return CountedAllocation(size); }
void* operator new[](std::size_t size) { return CountedAllocation(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace rpc::benchmarks {

ProcessCost ProcessCost::Now() {
  timespec cpu = {};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  return {.cpu_micros = static_cast<double>(cpu.tv_sec) * 1e6 +
                        static_cast<double>(cpu.tv_nsec) / 1e3,
          .allocations = allocation_count.load(std::memory_order_relaxed)};
}

}  // namespace rpc::benchmarks
