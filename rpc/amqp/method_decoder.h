#ifndef RPC_AMQP_METHOD_DECODER_H_
#define RPC_AMQP_METHOD_DECODER_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "rpc/amqp/big_endian.h"
#include "rpc/amqp/frames.h"
#include "rpc/amqp/nesting.h"
#include "rpc/amqp/rabbitmq_c.h"

namespace rpc::amqp {

// Decodes the methods that a broker sends, by rabbitmq-c. Views in what it
// returns point into the encoded bytes. Thread-compatible.
class MethodDecoder {
 public:
  // INTERNAL if `arguments` are malformed, or have a table nested deeper than
  // kMaxNesting. A method that no broker sends is not looked into: rabbitmq-c
  // decodes its tables recursively.
  absl::Status Decode(std::uint32_t method, std::string_view arguments,
                      FramePayload* payload) {
    pool_.Recycle();
    const Encoded encoded{method, arguments};
    malformed_ = false;
    const bool is_known = OfConnection(encoded, payload) ||
                          OfChannel(encoded, payload) ||
                          OfMessage(encoded, payload);
    if (!is_known) {
      payload->Set(frame::Unexpected{method});
    }
    if (!malformed_) return absl::OkStatus();
    return absl::InternalError(absl::StrCat("the peer sent a malformed method ",
                                            method >> 16, ".",
                                            method & 0xFFFF));
  }

 private:
  struct Encoded {
    std::uint32_t method;
    std::string_view arguments;
  };

  template <typename Method>
  bool Set(const Encoded& encoded, FramePayload* payload) {
    void* decoded = nullptr;
    malformed_ = amqp_decode_method(encoded.method, pool_.get(),
                                    ToAmqp(encoded.arguments), &decoded) < 0;
    if (malformed_) return true;
    payload->Set(From(*static_cast<const Method*>(decoded)));
    return true;
  }

  // Of connection.start, the only method of a broker's with a table: after the
  // two numbers of the version come its length and the server's properties.
  static bool HasBoundedTable(std::string_view arguments) {
    if (arguments.size() < 6) return false;
    const std::size_t size = BigEndian<std::uint32_t>(arguments.data() + 2);
    return size <= arguments.size() - 6 &&
           Nesting::IsBounded(arguments.substr(6, size));
  }

  bool OfConnection(const Encoded& encoded, FramePayload* payload) {
    switch (encoded.method) {
      case AMQP_CONNECTION_START_METHOD:
        malformed_ = !HasBoundedTable(encoded.arguments);
        return malformed_ || Set<amqp_connection_start_t>(encoded, payload);
      case AMQP_CONNECTION_SECURE_METHOD:
        return Set<amqp_connection_secure_t>(encoded, payload);
      case AMQP_CONNECTION_TUNE_METHOD:
        return Set<amqp_connection_tune_t>(encoded, payload);
      case AMQP_CONNECTION_OPEN_OK_METHOD:
        return Set<amqp_connection_open_ok_t>(encoded, payload);
      case AMQP_CONNECTION_CLOSE_METHOD:
        return Set<amqp_connection_close_t>(encoded, payload);
      case AMQP_CONNECTION_CLOSE_OK_METHOD:
        return Set<amqp_connection_close_ok_t>(encoded, payload);
      case AMQP_CONNECTION_BLOCKED_METHOD:
        return Set<amqp_connection_blocked_t>(encoded, payload);
      case AMQP_CONNECTION_UNBLOCKED_METHOD:
        return Set<amqp_connection_unblocked_t>(encoded, payload);
      default:
        return false;
    }
  }

  bool OfChannel(const Encoded& encoded, FramePayload* payload) {
    switch (encoded.method) {
      case AMQP_CHANNEL_OPEN_OK_METHOD:
        return Set<amqp_channel_open_ok_t>(encoded, payload);
      case AMQP_CHANNEL_FLOW_METHOD:
        return Set<amqp_channel_flow_t>(encoded, payload);
      case AMQP_CHANNEL_FLOW_OK_METHOD:
        return Set<amqp_channel_flow_ok_t>(encoded, payload);
      case AMQP_CHANNEL_CLOSE_METHOD:
        return Set<amqp_channel_close_t>(encoded, payload);
      case AMQP_CHANNEL_CLOSE_OK_METHOD:
        return Set<amqp_channel_close_ok_t>(encoded, payload);
      case AMQP_EXCHANGE_DECLARE_OK_METHOD:
        return Set<amqp_exchange_declare_ok_t>(encoded, payload);
      case AMQP_QUEUE_DECLARE_OK_METHOD:
        return Set<amqp_queue_declare_ok_t>(encoded, payload);
      case AMQP_QUEUE_BIND_OK_METHOD:
        return Set<amqp_queue_bind_ok_t>(encoded, payload);
      case AMQP_CONFIRM_SELECT_OK_METHOD:
        return Set<amqp_confirm_select_ok_t>(encoded, payload);
      default:
        return false;
    }
  }

  bool OfMessage(const Encoded& encoded, FramePayload* payload) {
    switch (encoded.method) {
      case AMQP_BASIC_QOS_OK_METHOD:
        return Set<amqp_basic_qos_ok_t>(encoded, payload);
      case AMQP_BASIC_CONSUME_OK_METHOD:
        return Set<amqp_basic_consume_ok_t>(encoded, payload);
      case AMQP_BASIC_CANCEL_METHOD:
        return Set<amqp_basic_cancel_t>(encoded, payload);
      case AMQP_BASIC_CANCEL_OK_METHOD:
        return Set<amqp_basic_cancel_ok_t>(encoded, payload);
      case AMQP_BASIC_DELIVER_METHOD:
        return Set<amqp_basic_deliver_t>(encoded, payload);
      case AMQP_BASIC_RETURN_METHOD:
        return Set<amqp_basic_return_t>(encoded, payload);
      case AMQP_BASIC_ACK_METHOD:
        return Set<amqp_basic_ack_t>(encoded, payload);
      case AMQP_BASIC_NACK_METHOD:
        return Set<amqp_basic_nack_t>(encoded, payload);
      default:
        return false;
    }
  }

  static frame::Secure From(const amqp_connection_secure_t&) { return {}; }
  static frame::OpenOk From(const amqp_connection_open_ok_t&) { return {}; }
  static frame::CloseOk From(const amqp_connection_close_ok_t&) { return {}; }
  static frame::Unblocked From(const amqp_connection_unblocked_t&) {
    return {};
  }
  static frame::ChannelOpenOk From(const amqp_channel_open_ok_t&) { return {}; }
  static frame::ChannelFlowOk From(const amqp_channel_flow_ok_t&) { return {}; }
  static frame::ChannelCloseOk From(const amqp_channel_close_ok_t&) {
    return {};
  }
  static frame::ExchangeDeclareOk From(const amqp_exchange_declare_ok_t&) {
    return {};
  }
  static frame::QueueBindOk From(const amqp_queue_bind_ok_t&) { return {}; }
  static frame::ConfirmSelectOk From(const amqp_confirm_select_ok_t&) {
    return {};
  }
  static frame::QosOk From(const amqp_basic_qos_ok_t&) { return {}; }

  static frame::Start From(const amqp_connection_start_t& method) {
    return {ToView(method.mechanisms),
            TellsRefusedLogin(method.server_properties)};
  }
  static frame::Tune From(const amqp_connection_tune_t& method) {
    return {method.channel_max, method.frame_max, method.heartbeat};
  }
  static frame::Close From(const amqp_connection_close_t& method) {
    return {method.reply_code, ToView(method.reply_text), method.class_id,
            method.method_id};
  }
  static frame::Blocked From(const amqp_connection_blocked_t& method) {
    return {ToView(method.reason)};
  }
  static frame::ChannelFlow From(const amqp_channel_flow_t& method) {
    return {method.active != 0};
  }
  static frame::ChannelClose From(const amqp_channel_close_t& method) {
    return {method.reply_code, ToView(method.reply_text)};
  }
  static frame::QueueDeclareOk From(const amqp_queue_declare_ok_t& method) {
    return {ToView(method.queue), method.message_count, method.consumer_count};
  }
  static frame::ConsumeOk From(const amqp_basic_consume_ok_t& method) {
    return {ToView(method.consumer_tag)};
  }
  static frame::Cancel From(const amqp_basic_cancel_t& method) {
    return {ToView(method.consumer_tag)};
  }
  static frame::CancelOk From(const amqp_basic_cancel_ok_t& method) {
    return {ToView(method.consumer_tag)};
  }
  static frame::Deliver From(const amqp_basic_deliver_t& method) {
    return {ToView(method.consumer_tag), method.delivery_tag,
            method.redelivered != 0, ToView(method.exchange),
            ToView(method.routing_key)};
  }
  static frame::Return From(const amqp_basic_return_t& method) {
    return {method.reply_code, ToView(method.reply_text),
            ToView(method.exchange), ToView(method.routing_key)};
  }
  static frame::Ack From(const amqp_basic_ack_t& method) {
    return {method.delivery_tag, method.multiple != 0};
  }
  static frame::Nack From(const amqp_basic_nack_t& method) {
    return {method.delivery_tag, method.multiple != 0};
  }

  static const amqp_field_value_t* FindEntry(const amqp_table_t& table,
                                             std::string_view name, int kind) {
    for (int i = 0; i < table.num_entries; ++i) {
      const amqp_table_entry_t& entry = table.entries[i];
      if (ToView(entry.key) == name && entry.value.kind == kind) {
        return &entry.value;
      }
    }
    return nullptr;
  }

  static bool TellsRefusedLogin(const amqp_table_t& server_properties) {
    const amqp_field_value_t* capabilities =
        FindEntry(server_properties, "capabilities", AMQP_FIELD_KIND_TABLE);
    if (capabilities == nullptr) return false;
    const amqp_field_value_t* capability =
        FindEntry(capabilities->value.table, "authentication_failure_close",
                  AMQP_FIELD_KIND_BOOLEAN);
    return capability != nullptr && capability->value.boolean != 0;
  }

  MethodPool pool_;
  bool malformed_ = false;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_METHOD_DECODER_H_
