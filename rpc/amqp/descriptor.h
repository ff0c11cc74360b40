#ifndef RPC_AMQP_DESCRIPTOR_H_
#define RPC_AMQP_DESCRIPTOR_H_

#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "rpc/base/status.h"

namespace rpc::amqp {

// Owns a file descriptor. Move-only.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept
      : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }

  int get() const { return number_; }
  bool valid() const { return number_ >= 0; }

 private:
  int number_ = -1;
};

// What the system said, as "<what>: <its words>".
inline absl::Status SystemError(absl::StatusCode code, std::string_view what,
                                int error) {
  return absl::Status(
      code,
      absl::StrCat(ToAbsl(what), ": ", std::generic_category().message(error)));
}

}  // namespace rpc::amqp

#endif  // RPC_AMQP_DESCRIPTOR_H_
