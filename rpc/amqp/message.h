#ifndef RPC_AMQP_MESSAGE_H_
#define RPC_AMQP_MESSAGE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "rpc/base/bytes.h"

// Messages in AMQP's own terms: value types, without behaviour.
namespace rpc::amqp {

// A value of a headers table or of an arguments table.
using HeaderValue = std::variant<bool, std::int64_t, std::string>;

struct Header {
  std::string name = {};
  HeaderValue value = {};

  friend bool operator==(const Header&, const Header&) = default;
};

// How much of an incoming headers table is read: names and values together,
// and entries. What has more is not read at all.
inline constexpr std::size_t kMaxHeaderBytes = 8 * 1024;
inline constexpr std::size_t kMaxHeaderEntries = 64;

// The properties of basic.* messages. Empty or zero means absent.
struct Properties {
  ShortText content_type = {};
  ShortText correlation_id = {};
  ShortText reply_to = {};
  ShortText message_id = {};
  ShortText type = {};
  ShortText expiration = {};  // milliseconds, as decimal text
  ShortText content_encoding = {};
  ShortText user_id = {};
  ShortText app_id = {};
  std::uint64_t timestamp = 0;     // seconds since 1970
  std::uint8_t delivery_mode = 0;  // 1 transient, 2 persistent
  std::uint8_t priority = 0;

  // Of an incoming message only entries at depth one whose value is a boolean,
  // an integer or a string; nested tables, arrays and all others are skipped.
  std::vector<Header> headers = {};

  // Incoming: the headers table was malformed or larger than the limits above;
  // `headers` is empty then.
  bool headers_refused = false;

  // Makes all absent, and keeps the memory: a new object costs as much as the
  // rest of decoding one.
  void clear() {
    for (ShortText* text :
         {&content_type, &correlation_id, &reply_to, &message_id, &type,
          &expiration, &content_encoding, &user_id, &app_id}) {
      text->clear();
    }
    timestamp = 0;
    delivery_mode = 0;
    priority = 0;
    headers.clear();
    headers_refused = false;
  }

  friend bool operator==(const Properties&, const Properties&) = default;
};

// The value of the first header called `name`; null if there is none.
inline const HeaderValue* FindHeader(const Properties& properties,
                                     std::string_view name) {
  for (const Header& header : properties.headers) {
    if (header.name == name) return &header.value;
  }
  return nullptr;
}

struct Message {
  ShortText exchange = {};
  ShortText routing_key = {};
  Properties properties = {};
  Bytes body = {};
};

// A message that a consumer was given.
struct Delivery {
  Message message = {};
  std::uint64_t tag = 0;  // what Ack and Reject name; unique on its channel
  bool redelivered = false;

  // The body was longer than the session's limit: it was skipped, not buffered,
  // and `message.body` is empty.
  bool body_too_large = false;
};

// A mandatory message that came back because no queue took it.
struct Return {
  Message message = {};
  std::uint16_t code = 0;  // 312 NO_ROUTE, 313 NO_CONSUMERS
  std::string text = {};
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_MESSAGE_H_
