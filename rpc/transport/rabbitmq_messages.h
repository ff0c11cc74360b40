#ifndef RPC_TRANSPORT_RABBITMQ_MESSAGES_H_
#define RPC_TRANSPORT_RABBITMQ_MESSAGES_H_

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/time/time.h"
#include "rpc/amqp/message.h"
#include "rpc/base/bytes.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/message/envelope.h"
#include "rpc/message/wire.h"

// Request and Reply to AMQP messages and back: the table of message/wire.h, row
// by row. Pure functions.
namespace rpc::rabbitmq {

// The counter that quorum queues keep, absent on the first delivery.
inline constexpr std::string_view kDeliveryCount = "x-delivery-count";

inline void AddHeader(amqp::Properties& properties, std::string_view name,
                      amqp::HeaderValue value) {
  properties.headers.push_back({std::string(name), std::move(value)});
}

// Null if there is none; `malformed` is set if it is of another type.
template <typename T>
const T* ReadHeader(const amqp::Properties& properties, std::string_view name,
                    bool& malformed) {
  const amqp::HeaderValue* value = amqp::FindHeader(properties, name);
  if (value == nullptr) return nullptr;
  const T* typed = std::get_if<T>(value);
  if (typed == nullptr) malformed = true;
  return typed;
}

// Milliseconds rounded up, so that what is left is never cut to nothing.
// RabbitMQ takes what fits 32 bits.
inline void SetExpiration(Clock::duration left, ShortText& expiration) {
  using std::chrono::milliseconds;
  const auto count = std::clamp<milliseconds::rep>(
      std::chrono::ceil<milliseconds>(left).count(), 1,
      std::numeric_limits<std::int32_t>::max());
  expiration = std::to_string(count);
}

// `properties` is reused from one request to the next.
inline void FromRequest(const Request& request, TimePoint now,
                        std::string_view reply_to, std::uint8_t delivery_mode,
                        amqp::Properties& properties) {
  properties.correlation_id = request.correlation_id;
  properties.message_id = request.message_id;
  properties.content_type = request.content_type;
  properties.reply_to =
      request.correlation_id.empty() ? std::string_view() : reply_to;
  properties.delivery_mode = delivery_mode;
  if (request.deadline.is_never()) {
    properties.expiration.clear();
  } else {
    SetExpiration(request.deadline.at() - now, properties.expiration);
  }
  properties.headers.clear();
  if (!request.method.empty()) {
    AddHeader(properties, wire::kMethod, std::string(request.method.view()));
  }
  if (request.attempt > 1) {
    AddHeader(properties, wire::kAttempt, std::int64_t{request.attempt});
  }
  for (const auto& [key, value] : request.metadata) {
    AddHeader(properties, key, value);
  }
}

// A request as it was received at `now`, or what is wrong with it. What is
// known of it is filled in even then: enough to answer.
inline absl::Status ToRequest(amqp::Message&& message, TimePoint now,
                              Request& request) {
  amqp::Properties& properties = message.properties;
  request.correlation_id = std::move(properties.correlation_id);
  request.message_id = std::move(properties.message_id);
  request.reply_to = std::move(properties.reply_to);
  request.content_type = std::move(properties.content_type);
  request.body = std::move(message.body);
  std::int64_t budget = 0;
  if (absl::SimpleAtoi(ToAbsl(properties.expiration.view()), &budget)) {
    request.deadline = Deadline::After(absl::Milliseconds(budget), now);
  }
  if (properties.headers_refused) {
    return absl::InvalidArgumentError(
        "the headers are malformed, or more than 64 or 8 KiB");
  }
  bool malformed = false;
  const auto* method =
      ReadHeader<std::string>(properties, wire::kMethod, malformed);
  const auto* attempt =
      ReadHeader<std::int64_t>(properties, wire::kAttempt, malformed);
  if (malformed) {
    return absl::InvalidArgumentError(
        "header rpc-method must be a string and rpc-attempt an integer");
  }
  if (method != nullptr) request.method = std::string_view(*method);
  if (attempt != nullptr) {
    request.attempt = static_cast<int>(
        std::clamp<std::int64_t>(*attempt, 1, std::numeric_limits<int>::max()));
  }
  for (amqp::Header& header : properties.headers) {
    auto* text = std::get_if<std::string>(&header.value);
    if (text == nullptr || wire::IsReservedMetadataKey(header.name)) continue;
    request.metadata.emplace_back(std::move(header.name), std::move(*text));
  }
  return absl::OkStatus();
}

inline int EarlierDeliveries(const amqp::Properties& properties) {
  bool malformed = false;
  const auto* count =
      ReadHeader<std::int64_t>(properties, kDeliveryCount, malformed);
  return count == nullptr ? 0
                          : static_cast<int>(std::clamp<std::int64_t>(
                                *count, 0, std::numeric_limits<int>::max()));
}

// The body that goes with it is the reply's own, or wire::ErrorBody().
inline void FromReply(const Reply& reply, std::uint8_t delivery_mode,
                      amqp::Properties& properties) {
  properties.correlation_id = reply.correlation_id;
  properties.content_type = reply.content_type;
  properties.delivery_mode = delivery_mode;
  properties.type.clear();
  properties.headers.clear();
  if (reply.status.ok()) return;
  properties.type = wire::kErrorType;
  properties.content_type = wire::kErrorContentType;
  AddHeader(properties, wire::kStatus,
            static_cast<std::int64_t>(reply.status.code()));
  AddHeader(properties, wire::kStatusMessage,
            std::string(wire::CutUtf8(ToStd(reply.status.message()),
                                      wire::kMaxStatusMessageBytes)));
  if (!MayHaveRun(reply.status)) AddHeader(properties, wire::kNotRun, true);
  if (const auto wait = RetryAfter(reply.status); wait.has_value()) {
    AddHeader(properties, wire::kRetryAfter, absl::ToInt64Milliseconds(*wait));
  }
}

// The failure that a reply reports, if it does: rpc-status wins; a plain
// server's type "error" is UNKNOWN with its body as the message.
inline absl::Status ReadFailure(const amqp::Message& message) {
  const amqp::Properties& properties = message.properties;
  bool malformed = false;
  const auto* code =
      ReadHeader<std::int64_t>(properties, wire::kStatus, malformed);
  const auto* text =
      ReadHeader<std::string>(properties, wire::kStatusMessage, malformed);
  const auto* not_run = ReadHeader<bool>(properties, wire::kNotRun, malformed);
  const auto* wait =
      ReadHeader<std::int64_t>(properties, wire::kRetryAfter, malformed);
  const bool is_error = properties.type == wire::kErrorType;
  if (code == nullptr) {
    if (!is_error) return absl::OkStatus();
    return MakeStatus(
        absl::StatusCode::kUnknown,
        wire::CutUtf8(message.body.view(), wire::kMaxStatusMessageBytes));
  }
  if (*code == 0) return absl::OkStatus();
  absl::Status status = MakeStatus(
      wire::CodeFromNumber(*code),
      text == nullptr ? std::string_view() : std::string_view(*text));
  if (not_run != nullptr && *not_run) status = NotRun(status);
  if (wait != nullptr && *wait >= 0) {
    status = WithRetryAfter(status, absl::Milliseconds(*wait));
  }
  return status;
}

inline Reply ToReply(amqp::Delivery&& delivery) {
  Reply reply;
  reply.status = delivery.body_too_large
                     ? absl::ResourceExhaustedError(
                           "the reply is larger than max_body_bytes")
                     : ReadFailure(delivery.message);
  reply.correlation_id = std::move(delivery.message.properties.correlation_id);
  if (!reply.status.ok()) return reply;
  reply.content_type = std::move(delivery.message.properties.content_type);
  reply.body = std::move(delivery.message.body);
  return reply;
}

}  // namespace rpc::rabbitmq

#endif  // RPC_TRANSPORT_RABBITMQ_MESSAGES_H_
