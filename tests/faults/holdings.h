#ifndef RPC_TESTS_FAULTS_HOLDINGS_H_
#define RPC_TESTS_FAULTS_HOLDINGS_H_

#include <malloc.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace rpc::testing {

// Whether a sanitizer, which holds memory of its own and takes much time, is
// part of this program.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kIsSanitized = true;
#elif defined(__has_feature)
inline constexpr bool kIsSanitized =
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
inline constexpr bool kIsSanitized = false;
#endif

// What this process holds of the system.
struct Holdings {
  int descriptors = 0;
  int threads = 0;
  // What malloc has given out, and the pages of the process: malloc keeps of
  // what is freed, and the more the more threads come and go.
  std::int64_t allocated_bytes = 0;
  std::int64_t resident_bytes = 0;
};

inline int EntriesOf(const char* directory) {
  return static_cast<int>(
      std::distance(std::filesystem::directory_iterator(directory),
                    std::filesystem::directory_iterator()));
}

inline Holdings Count() {
  Holdings now;
  now.descriptors = EntriesOf("/proc/self/fd");
  now.threads = EntriesOf("/proc/self/task");
  const struct mallinfo2 heap = ::mallinfo2();
  now.allocated_bytes = static_cast<std::int64_t>(heap.uordblks + heap.hblkhd);
  std::ifstream statm("/proc/self/statm");
  std::int64_t size = 0, resident = 0;
  statm >> size >> resident;
  now.resident_bytes = resident * ::sysconf(_SC_PAGESIZE);
  return now;
}

// Of one of the figures in bytes; negative if it shrank.
inline int GrowthInKilobytes(
    const Holdings& before, const Holdings& after,
    std::int64_t Holdings::*bytes = &Holdings::resident_bytes) {
  return static_cast<int>((after.*bytes - before.*bytes) / 1000);
}

}  // namespace rpc::testing

#endif  // RPC_TESTS_FAULTS_HOLDINGS_H_
