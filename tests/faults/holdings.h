#ifndef RPC_TESTS_FAULTS_HOLDINGS_H_
#define RPC_TESTS_FAULTS_HOLDINGS_H_

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
  std::ifstream statm("/proc/self/statm");
  std::int64_t size = 0, resident = 0;
  statm >> size >> resident;
  now.resident_bytes = resident * ::sysconf(_SC_PAGESIZE);
  return now;
}

// Negative if it shrank.
inline int GrowthInKilobytes(const Holdings& before, const Holdings& after) {
  return static_cast<int>((after.resident_bytes - before.resident_bytes) /
                          1000);
}

}  // namespace rpc::testing

#endif  // RPC_TESTS_FAULTS_HOLDINGS_H_
