#include "rpc/base/random_nonces.h"

#include <cstdint>
#include <set>
#include <string>

#include "gtest/gtest.h"

namespace rpc {
namespace {

TEST(RandomNonces, DoNotRepeat) {
  RandomNonces first;
  RandomNonces second;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(seen.insert(first.Next()).second);
    EXPECT_TRUE(seen.insert(second.Next()).second);
  }
}

TEST(RandomNonces, UseEachBit) {
  RandomNonces nonces;
  std::uint64_t ones = 0;
  std::uint64_t zeros = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t nonce = nonces.Next();
    ones |= nonce;
    zeros |= ~nonce;
  }
  EXPECT_EQ(ones, ~std::uint64_t{0});
  EXPECT_EQ(zeros, ~std::uint64_t{0});
}

TEST(RandomNonces, NamesAre32HexadecimalDigits) {
  RandomNonces nonces;
  const std::string name = nonces.NextName();
  EXPECT_EQ(name.size(), 32u);
  EXPECT_EQ(name.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_NE(name, nonces.NextName());
}

}  // namespace
}  // namespace rpc
