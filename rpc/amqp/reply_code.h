#ifndef RPC_AMQP_REPLY_CODE_H_
#define RPC_AMQP_REPLY_CODE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "rpc/amqp/ending.h"
#include "rpc/amqp/rabbitmq_c.h"
#include "rpc/base/status.h"

// What the reply codes of AMQP 0-9-1 (section 1.2 of its specification) and
// RabbitMQ's use of them mean in absl's vocabulary.
namespace rpc::amqp {

inline absl::StatusCode CodeOfReply(std::uint16_t reply_code) {
  switch (reply_code) {
    case AMQP_CONTENT_TOO_LARGE:
    case AMQP_RESOURCE_ERROR:
      return absl::StatusCode::kResourceExhausted;
    case AMQP_NO_ROUTE:
    case AMQP_NO_CONSUMERS:
    case AMQP_CONNECTION_FORCED:
      return absl::StatusCode::kUnavailable;
    case AMQP_ACCESS_REFUSED:
    case AMQP_INVALID_PATH:
    case AMQP_NOT_ALLOWED:
      return absl::StatusCode::kPermissionDenied;
    case AMQP_NOT_FOUND:
      return absl::StatusCode::kNotFound;
    case AMQP_RESOURCE_LOCKED:
    case AMQP_PRECONDITION_FAILED:
      return absl::StatusCode::kFailedPrecondition;
    case AMQP_COMMAND_INVALID:
      return absl::StatusCode::kInvalidArgument;
    case AMQP_NOT_IMPLEMENTED:
      return absl::StatusCode::kUnimplemented;
    default:
      return absl::StatusCode::kInternal;
  }
}

// The broker's own words, which name the code in capitals, and the number.
inline std::string WordsOfReply(std::uint16_t reply_code,
                                std::string_view text) {
  return absl::StrCat("the broker said: ", ToAbsl(text), " (", reply_code, ")");
}

inline absl::Status StatusOfReply(std::uint16_t reply_code,
                                  std::string_view text) {
  return absl::Status(CodeOfReply(reply_code), WordsOfReply(reply_code, text));
}

// Whether a declaration that the broker refused with this code can succeed
// later, unchanged: a deleted or locked queue may, a different one will not.
inline Retry RetryOfRefusedStep(std::uint16_t reply_code) {
  switch (reply_code) {
    case AMQP_INVALID_PATH:
    case AMQP_ACCESS_REFUSED:
    case AMQP_PRECONDITION_FAILED:
    case AMQP_SYNTAX_ERROR:
    case AMQP_COMMAND_INVALID:
    case AMQP_NOT_ALLOWED:
    case AMQP_NOT_IMPLEMENTED:
      return Retry::kNever;
    default:
      return Retry::kYes;
  }
}

}  // namespace rpc::amqp

#endif  // RPC_AMQP_REPLY_CODE_H_
