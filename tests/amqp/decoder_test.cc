#include "rpc/amqp/decoder.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "tests/amqp/broker_frames.h"

namespace rpc::amqp {
namespace {

std::string DeliverFrame() {
  amqp_basic_deliver_t deliver = {};
  deliver.consumer_tag = ToAmqp("ctag");
  deliver.delivery_tag = 0x0102030405060708;
  deliver.redelivered = 1;
  deliver.exchange = ToAmqp("ex");
  deliver.routing_key = ToAmqp("key");
  return MethodFrame(1, AMQP_BASIC_DELIVER_METHOD, deliver);
}

// The one frame that `bytes` hold; fails the test if they hold none.
template <typename Payload>
Payload Decoded(Decoder& decoder, std::string_view bytes) {
  Feed(decoder, bytes);
  absl::StatusOr<Frame*> frame = decoder.Next();
  if (!frame.ok() || *frame == nullptr) {
    ADD_FAILURE() << frame.status();
    return {};
  }
  const Payload* payload = (*frame)->payload.If<Payload>();
  if (payload == nullptr) {
    ADD_FAILURE() << "another frame: " << (*frame)->payload.number();
    return {};
  }
  return *payload;
}

absl::Status Refusal(std::string_view bytes) {
  Decoder decoder;
  Feed(decoder, bytes);
  return decoder.Next().status();
}

TEST(Decoder, DecodesMethods) {
  Decoder decoder;
  const auto deliver = Decoded<frame::Deliver>(decoder, DeliverFrame());
  EXPECT_EQ(deliver.consumer_tag, "ctag");
  EXPECT_EQ(deliver.delivery_tag, 0x0102030405060708u);
  EXPECT_TRUE(deliver.redelivered);
  EXPECT_EQ(deliver.exchange, "ex");
  EXPECT_EQ(deliver.routing_key, "key");
}

TEST(Decoder, DecodesFramesCutAnywhere) {
  const std::string bytes = DeliverFrame() + RawFrame(3, 1, "hello") +
                            RawFrame(8, 0, "") + DeliverFrame();
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    Decoder decoder;
    std::vector<std::uint32_t> kinds;
    for (const auto& piece : {bytes.substr(0, cut), bytes.substr(cut)}) {
      Feed(decoder, piece);
      for (;;) {
        absl::StatusOr<Frame*> frame = decoder.Next();
        ASSERT_TRUE(frame.ok()) << frame.status();
        if (*frame == nullptr) break;
        kinds.push_back((*frame)->payload.number());
      }
    }
    EXPECT_EQ(kinds, (std::vector<std::uint32_t>{
                         frame::Deliver::kNumber, frame::Body::kNumber,
                         frame::Heartbeat::kNumber, frame::Deliver::kNumber}))
        << "cut at " << cut;
  }
}

TEST(Decoder, ReadsTheCapabilityOfConnectionStart) {
  for (const bool capable : {true, false}) {
    Table capabilities, properties;
    amqp_table_t table = {};
    const std::vector<Header> entries = {
        {"basic.nack", true}, {"authentication_failure_close", capable}};
    ASSERT_TRUE(capabilities.Fill(entries, &table));
    properties.Nest("capabilities", table);
    amqp_connection_start_t start = {};
    start.mechanisms = ToAmqp("PLAIN AMQPLAIN");
    start.server_properties = properties.view();
    Decoder decoder;
    const std::string bytes =
        MethodFrame(0, AMQP_CONNECTION_START_METHOD, start);
    const auto decoded = Decoded<frame::Start>(decoder, bytes);
    EXPECT_EQ(decoded.mechanisms, "PLAIN AMQPLAIN");
    EXPECT_EQ(decoded.tells_refused_login, capable);
  }
}

TEST(Decoder, MethodThatAClientNeverAsksForIsUnexpected) {
  Decoder decoder;
  const auto unexpected = Decoded<frame::Unexpected>(
      decoder, MethodFrame(1, AMQP_TX_SELECT_OK_METHOD, amqp_tx_select_ok_t{}));
  EXPECT_EQ(unexpected.method, AMQP_TX_SELECT_OK_METHOD);
}

// Their tables may be nested more deeply than a stack is.
TEST(Decoder, WhatNoBrokerSendsIsNotLookedInto) {
  Decoder decoder;
  for (const amqp_method_number_t method :
       {amqp_method_number_t{AMQP_QUEUE_DECLARE_METHOD},
        amqp_method_number_t{AMQP_BASIC_CONSUME_METHOD},
        amqp_method_number_t{1}}) {
    const std::string malformed =
        RawFrame(1, 1, BigEndianBytes(method, 4) + "\xFF");
    EXPECT_EQ(Decoded<frame::Unexpected>(decoder, malformed).method, method);
  }
}

std::string StartFrameWithTable(std::string_view table) {
  std::string payload = BigEndianBytes(AMQP_CONNECTION_START_METHOD, 4);
  payload += std::string("\x00\x09", 2);
  payload += BigEndianBytes(table.size(), 4);
  payload += table;
  payload += BigEndianBytes(5, 4) + "PLAIN";
  payload += BigEndianBytes(5, 4) + "en_US";
  return RawFrame(AMQP_FRAME_METHOD, 0, payload);
}

TEST(Decoder, DeeplyNestedServerPropertiesAreRefused) {
  for (const int levels : {kMaxNesting, 100, 26000}) {
    const absl::Status refusal =
        Refusal(StartFrameWithTable(TableEntry("deep", NestedArrays(levels))));
    EXPECT_EQ(refusal.code(), absl::StatusCode::kInternal) << levels;
  }
  Decoder decoder;
  const auto start = Decoded<frame::Start>(
      decoder,
      StartFrameWithTable(TableEntry("deep", NestedArrays(kMaxNesting - 1))));
  EXPECT_EQ(start.mechanisms, "PLAIN");
}

TEST(Decoder, ServerPropertiesThatAreNotWholeAreRefused) {
  const std::string refused[] = {
      TableEntry("unknown type", "?"),
      TableEntry("cut", "S" + BigEndianBytes(1000, 4) + "abc"),
      TableEntry("cut table", "F" + BigEndianBytes(~0u, 4)),
      TableEntry("cut number", "l1234"),
      TableEntry("array beyond its end", "A" + BigEndianBytes(3, 4) + "I12345"),
      std::string(1, '\x03'),
  };
  for (const std::string& table : refused) {
    EXPECT_EQ(Refusal(StartFrameWithTable(table)).code(),
              absl::StatusCode::kInternal)
        << ::testing::PrintToString(table);
  }
}

TEST(Decoder, DecodesPropertiesAndScalarHeaders) {
  const std::string table =
      TableEntry("flag", std::string_view("t\x01", 2)) +
      TableEntry("small", "b\xFF") +
      TableEntry("long", "l" + BigEndianBytes(1234567890123, 8)) +
      TableEntry("text", "S" + BigEndianBytes(3, 4) + "abc") +
      TableEntry("nested", "F" + BigEndianBytes(3, 4) + "xyz") +
      TableEntry("double", "d12345678") + TableEntry("void", "V") +
      TableEntry("last", "I" + BigEndianBytes(7, 4));
  Decoder decoder;
  const auto header =
      Decoded<frame::ContentHeader>(decoder, HeaderFrameWithTable(table));
  EXPECT_EQ(header.body_size, 5u);
  EXPECT_EQ(header.properties->content_type, "text/plain");
  EXPECT_EQ(header.properties->correlation_id, "id");
  EXPECT_FALSE(header.properties->headers_refused);
  const std::vector<Header> expected = {{"flag", true},
                                        {"small", std::int64_t{-1}},
                                        {"long", std::int64_t{1234567890123}},
                                        {"text", std::string("abc")},
                                        {"last", std::int64_t{7}}};
  EXPECT_EQ(header.properties->headers, expected);
}

TEST(Decoder, HostileHeadersDoNoHarmToTheRestOfTheMessage) {
  const std::string hostile[] = {
      TableEntry("deep", NestedArrays(26000)),
      TableEntry("huge",
                 "S" + BigEndianBytes(9000, 4) + std::string(9000, 'x')),
      TableEntry("unknown type", "?"),
      TableEntry("cut", "S" + BigEndianBytes(1000, 4) + "abc"),
      TableEntry("cut table", "F" + BigEndianBytes(~0u, 4)),
      std::string("\xFFname longer than the table"),
      std::string(1, '\x03'),
  };
  for (const std::string& table : hostile) {
    Decoder decoder;
    const auto header =
        Decoded<frame::ContentHeader>(decoder, HeaderFrameWithTable(table));
    EXPECT_TRUE(header.properties->headers_refused);
    EXPECT_TRUE(header.properties->headers.empty());
    EXPECT_EQ(header.properties->correlation_id, "id");
    EXPECT_EQ(header.body_size, 5u);
  }
}

TEST(Decoder, EmptyHeaderNameIsRead) {
  Decoder decoder;
  const auto header = Decoded<frame::ContentHeader>(
      decoder,
      HeaderFrameWithTable(TableEntry("", std::string_view("t\x01", 2))));
  EXPECT_FALSE(header.properties->headers_refused);
  EXPECT_EQ(header.properties->headers, (std::vector<Header>{{"", true}}));
}

TEST(Decoder, TooManyHeadersAreRefused) {
  const std::string entry = TableEntry("k", std::string_view("t\x01", 2));
  std::string table;
  for (std::size_t i = 0; i < kMaxHeaderEntries; ++i) table += entry;
  Decoder decoder;
  EXPECT_EQ(Decoded<frame::ContentHeader>(decoder, HeaderFrameWithTable(table))
                .properties->headers.size(),
            kMaxHeaderEntries);
  EXPECT_TRUE(Decoded<frame::ContentHeader>(decoder,
                                            HeaderFrameWithTable(table + entry))
                  .properties->headers_refused);
}

TEST(Decoder, RefusesWhatIsNoAmqp) {
  const std::string method = BigEndianBytes(AMQP_BASIC_DELIVER_METHOD, 4);
  const std::string refused[] = {
      RawFrame(1, 1, ""),               // no method number
      RawFrame(1, 1, "\x01\x02\x03"),   // half of one
      RawFrame(1, 1, method),           // no arguments
      RawFrame(1, 1, method + "\xFF"),  // a name cut short
      RawFrame(2, 1, ""),
      RawFrame(2, 1, std::string(13, '\0')),
      RawFrame(2, 1, std::string(14, '\0')),  // class 0
      RawFrame(4, 1, ""),
      std::string("\x01\x00\x01\xFF\xFF\xFF\xFF", 7),
      std::string("\x01\x00\x01\x00\x01\xFF\xF9", 7),   // one over frame_max
      std::string("\x08\x00\x00\x00\x00\x00\x00X", 8),  // no frame end
      "HTTP/1.1 400 Bad Request\r\n\r\n",
  };
  for (const std::string& bytes : refused) {
    EXPECT_EQ(Refusal(bytes).code(), absl::StatusCode::kInternal)
        << ::testing::PrintToString(bytes);
  }
}

TEST(Decoder, NamesTheOtherProtocol) {
  const absl::Status version =
      Refusal(std::string_view("AMQP\x03\x01\x00\x00", 8));
  EXPECT_TRUE(absl::StrContains(version.message(), "another version of AMQP"));
  const absl::Status tls =
      Refusal(std::string_view("\x15\x03\x01\x00\x02\x02\x46", 7));
  EXPECT_TRUE(absl::StrContains(tls.message(), "amqps://")) << tls;
}

TEST(Decoder, WaitsForTheRestOfTheLargestFrame) {
  const std::string body(kMaxFrame - 8, 'x');
  const std::string bytes = RawFrame(3, 1, body);
  Decoder decoder;
  Feed(decoder, std::string_view(bytes).substr(0, bytes.size() - 1));
  absl::StatusOr<Frame*> half = decoder.Next();
  ASSERT_TRUE(half.ok());
  EXPECT_EQ(*half, nullptr);
  EXPECT_EQ(Decoded<frame::Body>(decoder, bytes.substr(bytes.size() - 1)).bytes,
            body);
}

// Decodes until the end or the first refusal.
void DecodeAll(std::string_view bytes) {
  Decoder decoder;
  Feed(decoder, bytes);
  for (;;) {
    absl::StatusOr<Frame*> frame = decoder.Next();
    if (!frame.ok() || *frame == nullptr) return;
  }
}

TEST(Decoder, IsTotalOnDamagedFrames) {
  const std::string table =
      TableEntry("a", std::string_view("t\x01", 2)) +
      TableEntry("b", "S" + BigEndianBytes(3, 4) + "abc") +
      TableEntry("c", NestedArrays(3));
  const std::string valid[] = {DeliverFrame(), HeaderFrameWithTable(table),
                               RawFrame(3, 1, "12586269025")};
  std::mt19937 random(1);
  for (int i = 0; i < 10000; ++i) {
    std::string bytes = valid[random() % 3];
    // Past the head of the frame, whose damage is found at once.
    for (unsigned damage = random() % 4; damage-- > 0;) {
      bytes[7 + random() % (bytes.size() - 8)] = static_cast<char>(random());
    }
    DecodeAll(bytes);
  }
}

TEST(Decoder, IsTotalOnRandomPayloads) {
  std::mt19937 random(2);
  for (int i = 0; i < 10000; ++i) {
    std::string payload(random() % 100, '\0');
    for (char& byte : payload) byte = static_cast<char>(random());
    if (i % 2 == 0) {
      payload.insert(0, BigEndianBytes(AMQP_BASIC_CLASS, 2));
    } else {
      payload.insert(0, BigEndianBytes((random() % 10) * 10, 2) +
                            BigEndianBytes((random() % 14) * 10, 2));
    }
    DecodeAll(RawFrame(i % 2 == 0 ? 2 : 1, 1, payload));
  }
}

}  // namespace
}  // namespace rpc::amqp
