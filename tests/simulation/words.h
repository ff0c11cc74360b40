#ifndef TESTS_SIMULATION_WORDS_H_
#define TESTS_SIMULATION_WORDS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "rpc/base/status.h"

namespace rpc::simulation {

// The same for the same status: absl prints payloads in any order.
inline std::string Words(const absl::Status& status) {
  if (status.ok()) return "OK";
  return absl::StrCat(absl::StatusCodeToString(status.code()),
                      MayHaveRun(status) ? "" : ", not run", ": ",
                      status.message());
}

template <typename T>
std::string Words(const absl::StatusOr<T>& result) {
  return result.ok() ? absl::StrCat(*result) : Words(result.status());
}

}  // namespace rpc::simulation

#endif  // TESTS_SIMULATION_WORDS_H_
