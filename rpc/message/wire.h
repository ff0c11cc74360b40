#ifndef RPC_MESSAGE_WIRE_H_
#define RPC_MESSAGE_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "rpc/base/status.h"
#include "rpc/message/envelope.h"

// The wire: RabbitMQ's RPC pattern, and what is added to it. The body is always
// the bare payload; each row below may be absent, and a client or server that
// knows nothing of them takes part as it is.
//
//   request             property or header
//   ------------------  ----------------------------------------------------
//   reply address       reply_to (absent: one-way)
//   attempt's id        correlation_id
//   call's id           message_id, where there can be several attempts
//   body's type         content_type, where it is not the serializer's
//   budget left         expiration, milliseconds rounded up
//   method              header rpc-method, where a queue has several
//   attempt's number    header rpc-attempt, from the second on
//   metadata            a header each, traceparent and tracestate among them
//
//   reply               property or header
//   ------------------  ----------------------------------------------------
//   attempt's id        correlation_id, byte for byte (or the message_id)
//   failure             type "error" and a JSON body
//   its code            header rpc-status, an absl::StatusCode as a number
//   its message         header rpc-status-message, at most 1 KiB
//   handler did not run header rpc-not-run, true
//   wait before retry   header rpc-retry-after-ms
namespace rpc::wire {

inline constexpr std::string_view kErrorType = "error";
inline constexpr std::string_view kErrorContentType = "application/json";
inline constexpr std::string_view kMethod = "rpc-method";
inline constexpr std::string_view kAttempt = "rpc-attempt";
inline constexpr std::string_view kStatus = "rpc-status";
inline constexpr std::string_view kStatusMessage = "rpc-status-message";
inline constexpr std::string_view kNotRun = "rpc-not-run";
inline constexpr std::string_view kRetryAfter = "rpc-retry-after-ms";

inline constexpr std::size_t kMaxStatusMessageBytes = 1024;
inline constexpr std::size_t kMaxMetadataBytes = 8192;

// True for keys that are the protocol's or the broker's: CC and BCC would make
// RabbitMQ copy the message into other queues.
inline bool IsReservedMetadataKey(std::string_view key) {
  return key.empty() || key.size() > 128 || key == "CC" || key == "BCC" ||
         key.starts_with("x-") || key.starts_with("rpc-");
}

// INVALID_ARGUMENT if `metadata` may not travel: a reserved key, or more than
// 8 KiB in all.
inline absl::Status CheckMetadata(const Metadata& metadata) {
  std::size_t bytes = 0;
  for (const auto& [key, value] : metadata) {
    if (IsReservedMetadataKey(key)) {
      return NotRun(absl::InvalidArgumentError(
          "metadata key \"" + key +
          "\" is reserved; use one of 1 to 128 bytes other than CC, BCC, x-* "
          "and rpc-*"));
    }
    bytes += key.size() + value.size();
  }
  if (bytes > kMaxMetadataBytes) {
    return NotRun(absl::InvalidArgumentError(
        "metadata of " + std::to_string(bytes) + " bytes; at most " +
        std::to_string(kMaxMetadataBytes) + " can travel"));
  }
  return absl::OkStatus();
}

// `text` cut to `limit` bytes, not inside a UTF-8 sequence.
inline std::string_view CutUtf8(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  const auto continues = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
  };
  // A sequence has at most three continuations; more is not UTF-8.
  std::size_t cut = limit;
  while (cut > 0 && limit - cut < 3 && continues(cut)) --cut;
  return text.substr(0, continues(cut) ? limit : cut);
}

// The code under header rpc-status; what no server of ours sends is UNKNOWN.
inline absl::StatusCode CodeFromNumber(std::int64_t number) {
  if (number <= 0 || number > 16) return absl::StatusCode::kUnknown;
  return static_cast<absl::StatusCode>(number);
}

// The size of the well-formed UTF-8 sequence that `text` begins with, 0 if
// there is none: the Unicode standard's table 3-7.
inline std::size_t Utf8SequenceSize(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return text.empty() ? 0 : 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const std::size_t size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // Neither overlong forms, nor surrogates, nor beyond U+10FFFF.
  const unsigned least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const unsigned most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < least || byte(1) > most) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  return size;
}

// Appends `text` as the inside of a JSON string. What is not UTF-8 becomes
// U+FFFD, a byte at a time.
inline void AppendJsonText(std::string_view text, std::string& json) {
  constexpr std::string_view kHex = "0123456789abcdef";
  while (!text.empty()) {
    const char c = text.front();
    const std::size_t size = Utf8SequenceSize(text);
    if (size == 0) {
      json += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      json += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20) {
      json += "\\u00";
      json += kHex[static_cast<unsigned char>(c) >> 4];
      json += kHex[static_cast<unsigned char>(c) & 15];
    } else {
      json += text.substr(0, size);
    }
    text.remove_prefix(size == 0 ? 1 : size);
  }
}

// The body of a failure. A plain client that expects a number or a text of its
// own fails to read it, rather than take it for a result:
//
//   {"error":{"type":"OUT_OF_RANGE","message":"...","code":11}}
inline std::string ErrorBody(const absl::Status& status) {
  std::string body = "{\"error\":{\"type\":\"";
  body += absl::StatusCodeToString(status.code());
  body += "\",\"message\":\"";
  AppendJsonText(CutUtf8(ToStd(status.message()), kMaxStatusMessageBytes),
                 body);
  body += "\",\"code\":" + std::to_string(static_cast<int>(status.code()));
  return body + "}}";
}

}  // namespace rpc::wire

#endif  // RPC_MESSAGE_WIRE_H_
