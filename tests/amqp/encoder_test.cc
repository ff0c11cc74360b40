#include "rpc/amqp/encoder.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "tests/amqp/broker_frames.h"
#include "tests/amqp/sent_frames.h"

namespace rpc::amqp {
namespace {

Properties EachProperty() {
  Properties properties;
  properties.content_type = "text/plain";
  properties.content_encoding = "gzip";
  properties.correlation_id = "correlation";
  properties.reply_to = "amq.gen-x";
  properties.message_id = "message";
  properties.type = "error";
  properties.expiration = "1500";
  properties.user_id = "guest";
  properties.app_id = "app";
  properties.timestamp = 1700000000;
  properties.delivery_mode = 2;
  properties.priority = 9;
  properties.headers = {{"flag", true},
                        {"off", false},
                        {"number", std::int64_t{-5}},
                        {"text", std::string(2000, 'x')},
                        {std::string(255, 'n'), std::string()}};
  return properties;
}

// The next one that `decoder` has; without properties if it has none.
frame::ContentHeader NextHeader(Decoder& decoder) {
  for (;;) {
    const absl::StatusOr<Frame*> frame = decoder.Next();
    if (!frame.ok() || *frame == nullptr) return {};
    const auto* header = (*frame)->payload.If<frame::ContentHeader>();
    if (header != nullptr) return *header;
  }
}

TEST(Encoder, PropertiesComeBackAsTheyWere) {
  OutBuffer out;
  Encoder encoder(&out);
  const Properties sent = EachProperty();
  ASSERT_TRUE(encoder.Publish(1, {}, sent, "body").ok());
  Decoder decoder;
  Feed(decoder, out.view());
  const frame::ContentHeader header = NextHeader(decoder);
  ASSERT_NE(header.properties, nullptr);
  const Properties& received = *header.properties;
  EXPECT_EQ(header.body_size, 4u);
  EXPECT_EQ(received.content_type, sent.content_type);
  EXPECT_EQ(received.content_encoding, sent.content_encoding);
  EXPECT_EQ(received.correlation_id, sent.correlation_id);
  EXPECT_EQ(received.reply_to, sent.reply_to);
  EXPECT_EQ(received.message_id, sent.message_id);
  EXPECT_EQ(received.type, sent.type);
  EXPECT_EQ(received.expiration, sent.expiration);
  EXPECT_EQ(received.user_id, sent.user_id);
  EXPECT_EQ(received.app_id, sent.app_id);
  EXPECT_EQ(received.timestamp, sent.timestamp);
  EXPECT_EQ(received.delivery_mode, sent.delivery_mode);
  EXPECT_EQ(received.priority, sent.priority);
  EXPECT_EQ(received.headers, sent.headers);
  EXPECT_FALSE(received.headers_refused);
}

TEST(Encoder, PropertiesAreNotThoseOfTheMessageBefore) {
  OutBuffer out;
  Encoder encoder(&out);
  ASSERT_TRUE(encoder.Publish(1, {}, EachProperty(), "").ok());
  ASSERT_TRUE(encoder.Publish(1, {}, Properties(), "").ok());
  Decoder decoder;
  Feed(decoder, out.view());
  ASSERT_NE(NextHeader(decoder).properties, nullptr);
  const frame::ContentHeader second = NextHeader(decoder);
  ASSERT_NE(second.properties, nullptr);
  EXPECT_TRUE(*second.properties == Properties());
}

TEST(Encoder, AbsentPropertiesTakeNoBytes) {
  OutBuffer out;
  ASSERT_TRUE(Encoder(&out).Publish(1, {}, Properties(), "").ok());
  const std::vector<SentFrame> sent = TakeSent(out);
  ASSERT_EQ(sent.size(), 2u) << "an empty body has no frame";
  EXPECT_EQ(sent[1].payload.size(), 14u);
}

TEST(Encoder, SplitsBodiesByTheFrameLimit) {
  OutBuffer out;
  Encoder encoder(&out);
  encoder.set_frame_max(4096);
  const std::string body(10000, 'x');
  ASSERT_TRUE(encoder.Publish(1, {}, Properties(), body).ok());
  const std::vector<SentFrame> sent = TakeSent(out);
  ASSERT_EQ(sent.size(), 5u);
  EXPECT_EQ(sent[2].payload.size(), 4088u);
  EXPECT_EQ(sent[3].payload.size(), 4088u);
  EXPECT_EQ(sent[2].payload + sent[3].payload + sent[4].payload, body);
}

TEST(Encoder, RefusesWhatDoesNotFitAndLeavesTheBufferAlone) {
  OutBuffer out;
  Encoder encoder(&out);
  encoder.set_frame_max(4096);
  encoder.Heartbeat();
  Properties large;
  large.headers = {{"k", std::string(5000, 'x')}};
  Properties long_name;
  long_name.headers = {{std::string(256, 'k'), true}};
  Properties long_id;
  long_id.correlation_id = std::string_view(std::string(256, 'x'));
  for (const Properties& properties : {large, long_name, long_id}) {
    EXPECT_EQ(encoder.Publish(1, {}, properties, "body").code(),
              absl::StatusCode::kInvalidArgument);
  }
  amqp_basic_publish_t long_key = {};
  const std::string key(256, 'k');
  long_key.routing_key = ToAmqp(key);
  EXPECT_EQ(encoder.Publish(1, long_key, Properties(), "body").code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(out.view(), RawFrame(8, 0, ""));
}

TEST(Encoder, LongestNamesFit) {
  OutBuffer out;
  amqp_basic_publish_t method = {};
  const std::string name(255, 'n');
  method.exchange = method.routing_key = ToAmqp(name);
  Properties properties;
  properties.reply_to = properties.correlation_id = properties.message_id =
      properties.type = properties.content_type = std::string_view(name);
  ASSERT_TRUE(Encoder(&out).Publish(1, method, properties, "").ok());
  MethodPool pool;
  const std::vector<SentFrame> sent = TakeSent(out);
  ASSERT_EQ(sent.size(), 2u);
  const auto& publish = Arguments<amqp_basic_publish_t>(sent[0], pool);
  EXPECT_EQ(ToView(publish.routing_key), name);
}

}  // namespace
}  // namespace rpc::amqp
