#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "rpc/amqp/content_header.h"
#include "rpc/amqp/decoder.h"
#include "rpc/amqp/encoder.h"
#include "rpc/amqp/frames.h"
#include "rpc/amqp/header_reader.h"
#include "rpc/amqp/message.h"
#include "rpc/amqp/out_buffer.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/message/envelope.h"
#include "rpc/message/wire.h"
#include "rpc/transport/rabbitmq_messages.h"
#include "tests/fuzz/frames.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/require.h"

// What any publisher can write: a content header with its headers table, and
// what a server and a client of ours make of the message.
namespace rpc::amqp {
namespace {

using ::rpc::fuzz::Input;
using ::rpc::fuzz::Require;

constexpr TimePoint kNow = TimePoint(std::chrono::hours(1));

std::size_t SizeOf(const Header& header) {
  const auto* text = std::get_if<std::string>(&header.value);
  return header.name.size() + (text == nullptr ? 0 : text->size());
}

void CheckHeaders(const std::vector<Header>& headers) {
  Require(headers.size() <= kMaxHeaderEntries, "there are few headers");
  std::size_t size = 0;
  for (const Header& header : headers) size += SizeOf(header);
  Require(size <= kMaxHeaderBytes, "headers are small");
}

void CheckTable(std::string_view table) {
  std::vector<Header> headers;
  const bool read = HeaderReader(table).ReadInto(&headers);
  Require(read || headers.empty(), "a table is read as a whole or not at all");
  CheckHeaders(headers);
}

// The properties of a message that a publisher of ours would send with these.
Properties Resent(const Properties& properties) {
  OutBuffer out;
  Encoder encoder(&out);
  Require(encoder.Publish(1, amqp_basic_publish_t{}, properties, "").ok(),
          "what was read can be published");
  Decoder decoder;
  std::string_view bytes = out.view();
  fuzz::Feed(decoder, bytes.size(), &bytes);
  for (int i = 0; i < 2; ++i) {
    const auto frame = decoder.Next();
    Require(frame.ok() && *frame != nullptr, "what we encode we decode");
    const auto* header = (*frame)->payload.If<frame::ContentHeader>();
    if (header != nullptr) return *header->properties;
  }
  Require(false, "a message has a content header");
  return {};
}

void CheckResent(const Properties& properties) {
  for (const Header& header : properties.headers) {
    if (header.name.empty()) return;
  }
  const Properties again = Resent(properties);
  Require(again.correlation_id == properties.correlation_id &&
              again.reply_to == properties.reply_to &&
              again.message_id == properties.message_id &&
              again.type == properties.type &&
              again.expiration == properties.expiration &&
              again.content_type == properties.content_type &&
              again.content_encoding == properties.content_encoding &&
              again.user_id == properties.user_id &&
              again.app_id == properties.app_id &&
              again.timestamp == properties.timestamp &&
              again.delivery_mode == properties.delivery_mode &&
              again.priority == properties.priority,
          "properties survive the way through a broker");
  Require(again.headers_refused || again.headers == properties.headers,
          "headers survive the way through a broker");
}

// A request that was understood means the same after we have sent it on.
void CheckRequest(const Message& message) {
  Request request;
  if (!rabbitmq::ToRequest(Message(message), kNow, request).ok()) return;
  Require(request.attempt >= 1, "attempts are counted from 1");
  Require(request.deadline.at() >= kNow, "what is left is not negative");
  for (const auto& [key, value] : request.metadata) {
    Require(!wire::IsReservedMetadataKey(key), "no reserved key is metadata");
  }
  Message again;
  rabbitmq::FromRequest(request, kNow, request.reply_to, 1, again.properties);
  again.body = request.body;
  Request read;
  Require(rabbitmq::ToRequest(std::move(again), kNow, read).ok(),
          "what we send we understand");
  Require(read.correlation_id == request.correlation_id &&
              read.message_id == request.message_id &&
              read.method == request.method && read.body == request.body &&
              read.attempt == request.attempt &&
              read.metadata == request.metadata,
          "a request is read as it was sent");
}

void CheckReply(const Message& message) {
  Delivery delivery;
  delivery.message = message;
  const Reply reply = rabbitmq::ToReply(std::move(delivery));
  Require(reply.correlation_id == message.properties.correlation_id,
          "a reply keeps its id");
  Require(reply.status.ok() || reply.body.view().empty(),
          "a failure has no body");
  Properties sent;
  rabbitmq::FromReply(reply, 1, sent);
  Message again;
  again.properties = sent;
  Require(rabbitmq::ReadFailure(again).code() == reply.status.code(),
          "a failure is read as it was sent");
  Require(MayHaveRun(rabbitmq::ReadFailure(again)) == MayHaveRun(reply.status),
          "so is whether it ran");
}

void CheckMessage(std::string_view payload, std::string_view body) {
  ContentHeaderDecoder decoder;
  frame::ContentHeader header;
  if (!decoder.Decode(payload, &header).ok()) return;
  const Properties& properties = *header.properties;
  CheckHeaders(properties.headers);
  Require(!properties.headers_refused || properties.headers.empty(),
          "refused headers are not handed out");
  CheckResent(properties);
  Message message;
  message.properties = properties;
  message.body = body;
  Require(rabbitmq::EarlierDeliveries(properties) >= 0, "a count is one");
  CheckRequest(message);
  CheckReply(message);
}

// Of class basic, with a table of the right size where the flags have one
// alone: a mutation seldom gets that right.
std::string Payload(std::string_view properties, std::string_view table) {
  std::string payload;
  fuzz::AppendNumber(AMQP_BASIC_CLASS, 2, &payload);
  payload.append(10, '\0');  // the weight, and the body's size
  if (table.empty()) return payload.append(properties);
  fuzz::AppendNumber(AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_EXPIRATION_FLAG |
                         AMQP_BASIC_TYPE_FLAG,
                     2, &payload);
  fuzz::AppendNumber(table.size(), 4, &payload);
  payload.append(table);
  return payload.append(properties);
}

}  // namespace
}  // namespace rpc::amqp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  rpc::fuzz::Input input(data, size);
  const bool has_table = input.Flag();
  const std::string_view properties = input.Text();
  const std::string_view body = input.Text();
  const std::string_view table = has_table ? input.Rest() : std::string_view();
  rpc::amqp::CheckTable(table);
  rpc::amqp::CheckMessage(rpc::amqp::Payload(properties, table), body);
  return 0;
}
