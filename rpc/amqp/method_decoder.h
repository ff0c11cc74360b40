#ifndef RPC_AMQP_METHOD_DECODER_H_
#define RPC_AMQP_METHOD_DECODER_H_

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "rpc/amqp/frames.h"
#include "rpc/amqp/rabbitmq_c.h"

namespace rpc::amqp {

// Decodes the methods that a broker sends, by rabbitmq-c. Views in what it
// returns point into the encoded bytes. Thread-compatible.
class MethodDecoder {
 public:
  // INTERNAL if `arguments` are malformed or rabbitmq-c does not know `method`.
  absl::Status Decode(std::uint32_t method, std::string_view arguments,
                      FramePayload* payload) {
    pool_.Recycle();
    void* decoded = nullptr;
    if (amqp_decode_method(method, pool_.get(), ToAmqp(arguments), &decoded) <
        0) {
      return absl::InternalError(
          absl::StrCat("the peer sent a malformed or unknown method ",
                       method >> 16, ".", method & 0xFFFF));
    }
    if (!OfConnection(method, decoded, payload) &&
        !OfChannel(method, decoded, payload) &&
        !OfMessage(method, decoded, payload)) {
      *payload = frame::Unexpected{method};
    }
    return absl::OkStatus();
  }

 private:
  template <typename Method>
  static const Method& As(const void* decoded) {
    return *static_cast<const Method*>(decoded);
  }

  static bool OfConnection(std::uint32_t method, const void* decoded,
                           FramePayload* payload) {
    switch (method) {
      case AMQP_CONNECTION_START_METHOD: {
        const auto& start = As<amqp_connection_start_t>(decoded);
        *payload = frame::Start{ToView(start.mechanisms),
                                TellsRefusedLogin(start.server_properties)};
        return true;
      }
      case AMQP_CONNECTION_SECURE_METHOD:
        *payload = frame::Secure{};
        return true;
      case AMQP_CONNECTION_TUNE_METHOD: {
        const auto& tune = As<amqp_connection_tune_t>(decoded);
        *payload =
            frame::Tune{tune.channel_max, tune.frame_max, tune.heartbeat};
        return true;
      }
      case AMQP_CONNECTION_OPEN_OK_METHOD:
        *payload = frame::OpenOk{};
        return true;
      case AMQP_CONNECTION_CLOSE_METHOD: {
        const auto& close = As<amqp_connection_close_t>(decoded);
        *payload = frame::Close{close.reply_code, ToView(close.reply_text),
                                close.class_id, close.method_id};
        return true;
      }
      case AMQP_CONNECTION_CLOSE_OK_METHOD:
        *payload = frame::CloseOk{};
        return true;
      case AMQP_CONNECTION_BLOCKED_METHOD:
        *payload = frame::Blocked{
            ToView(As<amqp_connection_blocked_t>(decoded).reason)};
        return true;
      case AMQP_CONNECTION_UNBLOCKED_METHOD:
        *payload = frame::Unblocked{};
        return true;
      default:
        return false;
    }
  }

  static bool OfChannel(std::uint32_t method, const void* decoded,
                        FramePayload* payload) {
    switch (method) {
      case AMQP_CHANNEL_OPEN_OK_METHOD:
        *payload = frame::ChannelOpenOk{};
        return true;
      case AMQP_CHANNEL_FLOW_METHOD:
        *payload =
            frame::ChannelFlow{As<amqp_channel_flow_t>(decoded).active != 0};
        return true;
      case AMQP_CHANNEL_CLOSE_METHOD: {
        const auto& close = As<amqp_channel_close_t>(decoded);
        *payload =
            frame::ChannelClose{close.reply_code, ToView(close.reply_text)};
        return true;
      }
      case AMQP_CHANNEL_CLOSE_OK_METHOD:
        *payload = frame::ChannelCloseOk{};
        return true;
      case AMQP_EXCHANGE_DECLARE_OK_METHOD:
        *payload = frame::ExchangeDeclareOk{};
        return true;
      case AMQP_QUEUE_DECLARE_OK_METHOD: {
        const auto& ok = As<amqp_queue_declare_ok_t>(decoded);
        *payload = frame::QueueDeclareOk{ToView(ok.queue), ok.message_count,
                                         ok.consumer_count};
        return true;
      }
      case AMQP_QUEUE_BIND_OK_METHOD:
        *payload = frame::QueueBindOk{};
        return true;
      case AMQP_CONFIRM_SELECT_OK_METHOD:
        *payload = frame::ConfirmSelectOk{};
        return true;
      case AMQP_BASIC_QOS_OK_METHOD:
        *payload = frame::QosOk{};
        return true;
      default:
        return false;
    }
  }

  static bool OfMessage(std::uint32_t method, const void* decoded,
                        FramePayload* payload) {
    switch (method) {
      case AMQP_BASIC_CONSUME_OK_METHOD:
        *payload = frame::ConsumeOk{
            ToView(As<amqp_basic_consume_ok_t>(decoded).consumer_tag)};
        return true;
      case AMQP_BASIC_CANCEL_METHOD:
        *payload = frame::Cancel{
            ToView(As<amqp_basic_cancel_t>(decoded).consumer_tag)};
        return true;
      case AMQP_BASIC_CANCEL_OK_METHOD:
        *payload = frame::CancelOk{
            ToView(As<amqp_basic_cancel_ok_t>(decoded).consumer_tag)};
        return true;
      case AMQP_BASIC_DELIVER_METHOD: {
        const auto& deliver = As<amqp_basic_deliver_t>(decoded);
        *payload =
            frame::Deliver{ToView(deliver.consumer_tag), deliver.delivery_tag,
                           deliver.redelivered != 0, ToView(deliver.exchange),
                           ToView(deliver.routing_key)};
        return true;
      }
      case AMQP_BASIC_RETURN_METHOD: {
        const auto& returned = As<amqp_basic_return_t>(decoded);
        *payload = frame::Return{
            returned.reply_code, ToView(returned.reply_text),
            ToView(returned.exchange), ToView(returned.routing_key)};
        return true;
      }
      case AMQP_BASIC_ACK_METHOD: {
        const auto& ack = As<amqp_basic_ack_t>(decoded);
        *payload = frame::Ack{ack.delivery_tag, ack.multiple != 0};
        return true;
      }
      case AMQP_BASIC_NACK_METHOD: {
        const auto& nack = As<amqp_basic_nack_t>(decoded);
        *payload = frame::Nack{nack.delivery_tag, nack.multiple != 0};
        return true;
      }
      default:
        return false;
    }
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
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_METHOD_DECODER_H_
