#ifndef RPC_AMQP_TABLE_H_
#define RPC_AMQP_TABLE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "rpc/amqp/message.h"
#include "rpc/amqp/rabbitmq_c.h"

namespace rpc::amqp {

// rabbitmq-c's table of some headers or arguments, for encoding: a view of the
// entries that it was filled with. Its memory is kept from use to use.
// Thread-compatible.
class Table {
 public:
  // False if a name is empty or longer than the 255 bytes that rabbitmq-c
  // silently counts modulo 256. `*table` is valid while `headers` and this
  // object are unchanged.
  bool Fill(const std::vector<Header>& headers, amqp_table_t* table) {
    entries_.clear();
    for (const Header& header : headers) {
      if (header.name.empty() || header.name.size() > 255) return false;
      entries_.push_back(Entry(header));
    }
    *table = view();
    return true;
  }

  // One more entry: a table within the table.
  void Nest(std::string_view name, amqp_table_t inner) {
    amqp_table_entry_t entry;
    entry.key = ToAmqp(name);
    entry.value.kind = AMQP_FIELD_KIND_TABLE;
    entry.value.value.table = inner;
    entries_.push_back(entry);
  }

  amqp_table_t view() {
    amqp_table_t table;
    table.num_entries = static_cast<int>(entries_.size());
    table.entries = entries_.data();
    return table;
  }

 private:
  static amqp_table_entry_t Entry(const Header& header) {
    amqp_table_entry_t entry;
    entry.key = ToAmqp(header.name);
    if (const bool* flag = std::get_if<bool>(&header.value)) {
      entry.value.kind = AMQP_FIELD_KIND_BOOLEAN;
      entry.value.value.boolean = *flag ? 1 : 0;
    } else if (const auto* number = std::get_if<std::int64_t>(&header.value)) {
      entry.value.kind = AMQP_FIELD_KIND_I64;
      entry.value.value.i64 = *number;
    } else {
      entry.value.kind = AMQP_FIELD_KIND_UTF8;
      entry.value.value.bytes =
          ToAmqp(*std::get_if<std::string>(&header.value));
    }
    return entry;
  }

  std::vector<amqp_table_entry_t> entries_;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_TABLE_H_
