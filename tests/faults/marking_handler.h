#ifndef RPC_TESTS_FAULTS_MARKING_HANDLER_H_
#define RPC_TESTS_FAULTS_MARKING_HANDLER_H_

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "rpc/message/method.h"
#include "rpc/message/server_context.h"

namespace rpc::testing {

// What is slow, in a server that has such requests.
inline constexpr absl::Duration kHandlerPause = absl::Milliseconds(50);

// Returns 2 n, and one more if it was told that another server had the request
// before. Leaves a line "n 0" or "n 1" in its log first, which outlives a
// server that is killed.
class MarkingHandler {
 public:
  using Method = rpc::Method<"mark", std::uint64_t(std::uint64_t)>;

  // How many requests a server of it holds that it has not answered.
  static constexpr int kWindow = 64;

  MarkingHandler() = default;
  // Appends to the file at `path`. One request of 61 takes `pause`: some are
  // under way whenever something happens.
  explicit MarkingHandler(const std::string& path,
                          absl::Duration pause = absl::ZeroDuration())
      : log_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                    0666)),
        pause_(pause) {}

  absl::StatusOr<std::uint64_t> operator()(const ServerContext& context,
                                           std::uint64_t n) const {
    const std::string line =
        std::to_string(n) + (context.redelivered ? " 1\n" : " 0\n");
    if (::write(log_, line.data(), line.size()) !=
        static_cast<ssize_t>(line.size())) {
      return absl::InternalError("cannot write to the log");
    }
    if (n % 61 == 0) absl::SleepFor(pause_);
    return 2 * n + (context.redelivered ? 1 : 0);
  }

 private:
  // Open as long as the process lives.
  int log_ = -1;
  absl::Duration pause_;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_FAULTS_MARKING_HANDLER_H_
