#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "gtest/gtest.h"
#include "rpc/endpoint.h"
#include "rpc/handler/fibonacci.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/transport/direct_transport.h"

namespace {

std::atomic<std::size_t> allocations = 0;

}  // namespace

// Not inlined: g++ would warn of memory from new that goes to free.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace rpc {
namespace {

TEST(DirectEndpoint, AllocatesNothingForACall) {
  auto endpoint = RpcEndpoint<DirectTransport, DecimalSerializer,
                              Fibonacci<std::uint64_t>>::Open();
  ASSERT_TRUE(endpoint.ok());
  const std::size_t before = allocations;
  std::uint64_t sum = 0;
  for (std::uint64_t n = 0; n < 90; ++n) sum += *endpoint->Call(n);
  EXPECT_EQ(allocations, before);
  EXPECT_GT(sum, 0u);
  // A failure has a message, which is on the heap: the counter counts.
  EXPECT_FALSE(endpoint->Call(94).ok());
  EXPECT_GT(allocations, before);
}

}  // namespace
}  // namespace rpc
