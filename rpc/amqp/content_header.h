#ifndef RPC_AMQP_CONTENT_HEADER_H_
#define RPC_AMQP_CONTENT_HEADER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "rpc/amqp/big_endian.h"
#include "rpc/amqp/frames.h"
#include "rpc/amqp/header_reader.h"
#include "rpc/amqp/rabbitmq_c.h"

namespace rpc::amqp {

// Decodes content headers: rabbitmq-c the fixed properties, HeaderReader the
// headers table, which is cut out first. Total on every input.
// Thread-compatible.
class ContentHeaderDecoder {
 public:
  // INTERNAL if the peer's bytes are malformed outside the headers table. What
  // is wrong within it is the publisher's fault and only sets headers_refused.
  absl::Status Decode(std::string_view payload, frame::ContentHeader* header) {
    // Class (2), weight (2), body size (8), property flags (2) and properties.
    if (payload.size() < 14 ||
        BigEndian<std::uint16_t>(payload.data()) != AMQP_BASIC_CLASS) {
      return Malformed();
    }
    properties_.clear();
    header->properties = &properties_;
    header->body_size = BigEndian<std::uint64_t>(payload.data() + 4);
    std::string_view properties = payload.substr(12);
    if ((BigEndian<std::uint16_t>(properties.data()) &
         AMQP_BASIC_HEADERS_FLAG) != 0) {
      std::string_view table;
      if (!CutTable(properties, &table)) return Malformed();
      properties_.headers_refused =
          !HeaderReader(table).ReadInto(&properties_.headers);
      properties = without_table_;
    }
    pool_.Recycle();
    void* decoded = nullptr;
    if (amqp_decode_properties(AMQP_BASIC_CLASS, pool_.get(),
                               ToAmqp(properties), &decoded) < 0) {
      return Malformed();
    }
    Fill(*static_cast<const amqp_basic_properties_t*>(decoded), &properties_);
    return absl::OkStatus();
  }

 private:
  static absl::Status Malformed() {
    return absl::InternalError("the peer sent a malformed content header");
  }

  // Finds the headers table, third of the properties, and leaves what is around
  // it, with its flag cleared, in without_table_. False if it is not whole.
  bool CutTable(std::string_view properties, std::string_view* table) {
    const std::uint64_t flags = BigEndian<std::uint16_t>(properties.data());
    // A set lowest bit announces more flags; basic has no need of them.
    if ((flags & 1) != 0) return false;
    std::size_t begin = 2;
    for (const std::uint64_t flag :
         {std::uint64_t{AMQP_BASIC_CONTENT_TYPE_FLAG},
          std::uint64_t{AMQP_BASIC_CONTENT_ENCODING_FLAG}}) {
      if ((flags & flag) == 0) continue;
      if (begin >= properties.size()) return false;
      begin += 1 + static_cast<unsigned char>(properties[begin]);
    }
    if (begin > properties.size() || properties.size() - begin < 4) {
      return false;
    }
    const std::uint64_t size =
        BigEndian<std::uint32_t>(properties.data() + begin);
    if (size > properties.size() - begin - 4) return false;
    *table = properties.substr(begin + 4, static_cast<std::size_t>(size));
    without_table_.assign(properties.substr(0, begin));
    without_table_[0] = static_cast<char>(
        (flags & ~std::uint64_t{AMQP_BASIC_HEADERS_FLAG}) >> 8);
    without_table_.append(properties.substr(begin + 4 + table->size()));
    return true;
  }

  static void Fill(const amqp_basic_properties_t& from, Properties* to) {
    const auto text = [&](amqp_flags_t flag, amqp_bytes_t value, auto* field) {
      if ((from._flags & flag) != 0) *field = ToView(value);
    };
    const auto number = [&](amqp_flags_t flag, auto value, auto* field) {
      if ((from._flags & flag) != 0) *field = value;
    };
    text(AMQP_BASIC_CONTENT_TYPE_FLAG, from.content_type, &to->content_type);
    text(AMQP_BASIC_CONTENT_ENCODING_FLAG, from.content_encoding,
         &to->content_encoding);
    text(AMQP_BASIC_CORRELATION_ID_FLAG, from.correlation_id,
         &to->correlation_id);
    text(AMQP_BASIC_REPLY_TO_FLAG, from.reply_to, &to->reply_to);
    text(AMQP_BASIC_EXPIRATION_FLAG, from.expiration, &to->expiration);
    text(AMQP_BASIC_MESSAGE_ID_FLAG, from.message_id, &to->message_id);
    text(AMQP_BASIC_TYPE_FLAG, from.type, &to->type);
    text(AMQP_BASIC_USER_ID_FLAG, from.user_id, &to->user_id);
    text(AMQP_BASIC_APP_ID_FLAG, from.app_id, &to->app_id);
    number(AMQP_BASIC_DELIVERY_MODE_FLAG, from.delivery_mode,
           &to->delivery_mode);
    number(AMQP_BASIC_PRIORITY_FLAG, from.priority, &to->priority);
    number(AMQP_BASIC_TIMESTAMP_FLAG, from.timestamp, &to->timestamp);
  }

  MethodPool pool_;
  Properties properties_;
  std::string without_table_;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_CONTENT_HEADER_H_
