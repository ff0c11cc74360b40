#include "rpc/base/random_nonces.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>

#include "gtest/gtest.h"

namespace rpc {
namespace {

// From here on the process has no such system call.
bool TakeAway(long call) {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<__u32>(call), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program = {.len = 4, .filter = filter};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

bool ThousandDiffer() {
  RandomNonces nonces;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(nonces.Next());
  return seen.size() == 1000;
}

TEST(RandomNonces, DifferWithoutGetrandom) {
  EXPECT_EXIT(std::exit(TakeAway(SYS_getrandom) && ThousandDiffer() ? 0 : 1),
              ::testing::ExitedWithCode(0), "");
}

TEST(RandomNonces, DifferWithoutTheDeviceToo) {
  EXPECT_EXIT(std::exit(TakeAway(SYS_getrandom) && TakeAway(SYS_openat) &&
                                ThousandDiffer()
                            ? 0
                            : 1),
              ::testing::ExitedWithCode(0), "");
}

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
