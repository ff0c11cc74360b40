#include "rpc/transport/rabbitmq_messages.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "rpc/amqp/message.h"
#include "rpc/base/bytes.h"
#include "rpc/base/deadline.h"
#include "rpc/base/status.h"
#include "rpc/message/envelope.h"
#include "rpc/message/wire.h"

namespace rpc::rabbitmq {
namespace {

const TimePoint kNow = TimePoint(std::chrono::hours(1));

amqp::Properties PropertiesOf(const Request& request) {
  amqp::Properties properties;
  FromRequest(request, kNow, "replies", 1, properties);
  return properties;
}

// A request that went over the wire.
Request Carried(const Request& request) {
  amqp::Message message;
  message.properties = PropertiesOf(request);
  message.body = request.body;
  Request received;
  const absl::Status status = ToRequest(std::move(message), kNow, received);
  EXPECT_TRUE(status.ok()) << status;
  return received;
}

Reply Carried(const Reply& reply) {
  amqp::Delivery delivery;
  FromReply(reply, 1, delivery.message.properties);
  delivery.message.body =
      reply.status.ok() ? reply.body : Bytes(wire::ErrorBody(reply.status));
  return ToReply(std::move(delivery));
}

Reply ReplyWith(amqp::Properties properties, std::string_view body = "7") {
  amqp::Delivery delivery;
  delivery.message.properties = std::move(properties);
  delivery.message.body = body;
  return ToReply(std::move(delivery));
}

std::string Text(const amqp::Properties& properties, std::string_view name) {
  const amqp::HeaderValue* value = amqp::FindHeader(properties, name);
  return value == nullptr ? "none" : std::get<std::string>(*value);
}

absl::Status Fault(amqp::Properties properties) {
  amqp::Message message;
  message.properties = std::move(properties);
  Request request;
  return ToRequest(std::move(message), kNow, request);
}

TEST(RabbitMqRequest, OfOneMethodSendsTheFewestProperties) {
  const amqp::Properties properties =
      PropertiesOf({.correlation_id = "id",
                    .body = "7",
                    .deadline = Deadline::After(absl::Seconds(2), kNow)});
  EXPECT_EQ(properties.correlation_id, "id");
  EXPECT_EQ(properties.reply_to, "replies");
  EXPECT_EQ(properties.expiration, "2000");
  EXPECT_EQ(properties.delivery_mode, 1);
  EXPECT_TRUE(properties.content_type.empty());
  EXPECT_TRUE(properties.message_id.empty());
  EXPECT_TRUE(properties.type.empty());
  EXPECT_TRUE(properties.headers.empty());
}

TEST(RabbitMqRequest, CarriesAllThatItMay) {
  const Request sent = {.correlation_id = "id",
                        .message_id = "call",
                        .method = "add",
                        .content_type = "text/x",
                        .body = std::string_view("\0body", 5),
                        .attempt = 3,
                        .metadata = {{"traceparent", "00-1"}, {"k", ""}}};
  const Request received = Carried(sent);
  EXPECT_EQ(received.correlation_id, "id");
  EXPECT_EQ(received.message_id, "call");
  EXPECT_EQ(received.method, "add");
  EXPECT_EQ(received.content_type, "text/x");
  EXPECT_EQ(received.reply_to, "replies");
  EXPECT_EQ(received.body, sent.body.view());
  EXPECT_EQ(received.attempt, 3);
  EXPECT_EQ(received.metadata, sent.metadata);
  EXPECT_TRUE(received.deadline.is_never());
}

TEST(RabbitMqRequest, WithoutAnIdAsksForNoReply) {
  EXPECT_TRUE(PropertiesOf({.body = "7"}).reply_to.empty());
}

TEST(RabbitMqRequest, BudgetIsRoundedUpAndNeverNothing) {
  const auto expiration = [](absl::Duration budget) {
    return std::string(PropertiesOf({.deadline = Deadline::After(budget, kNow)})
                           .expiration.view());
  };
  EXPECT_EQ(expiration(absl::Nanoseconds(1)), "1");
  EXPECT_EQ(expiration(absl::Milliseconds(2)), "2");
  EXPECT_EQ(expiration(absl::Microseconds(2001)), "3");
  EXPECT_EQ(expiration(-absl::Seconds(1)), "1");
  EXPECT_EQ(expiration(absl::Hours(24 * 365)), "2147483647");
  EXPECT_EQ(expiration(absl::InfiniteDuration()), "");
}

TEST(RabbitMqRequest, DeadlineIsTheReceiptAndTheBudget) {
  const Deadline deadline = Deadline::After(absl::Milliseconds(1500), kNow);
  EXPECT_EQ(Carried(Request{.deadline = deadline}).deadline, deadline);
  amqp::Message message;
  message.properties.expiration = "soon";
  Request request;
  EXPECT_TRUE(ToRequest(std::move(message), kNow, request).ok());
  EXPECT_TRUE(request.deadline.is_never());
}

TEST(RabbitMqRequest, MalformedOneIsStillKnownWellEnoughToBeAnswered) {
  amqp::Message message;
  message.properties.correlation_id = "id";
  message.properties.reply_to = "amq.gen-x";
  message.properties.headers_refused = true;
  Request request;
  const absl::Status status = ToRequest(std::move(message), kNow, request);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_EQ(request.correlation_id, "id");
  EXPECT_EQ(request.reply_to, "amq.gen-x");
}

TEST(RabbitMqRequest, KnownHeadersHaveTheirTypes) {
  EXPECT_TRUE(absl::IsInvalidArgument(
      Fault({.headers = {{"rpc-method", std::int64_t{1}}}})));
  EXPECT_TRUE(absl::IsInvalidArgument(
      Fault({.headers = {{"rpc-attempt", std::string("2")}}})));
  EXPECT_TRUE(Fault({.headers = {{"rpc-foreign", true}, {"", true}}}).ok());
}

TEST(RabbitMqRequest, ReservedAndForeignHeadersAreNoMetadata) {
  amqp::Message message;
  message.properties.headers = {{"x-death", std::string("a")},
                                {"rpc-version", std::string("b")},
                                {"CC", std::string("c")},
                                {"number", std::int64_t{4}},
                                {"mine", std::string("e")}};
  Request request;
  ASSERT_TRUE(ToRequest(std::move(message), kNow, request).ok());
  EXPECT_EQ(request.metadata, (Metadata{{"mine", "e"}}));
}

TEST(RabbitMqRequest, AttemptIsAtLeastOne) {
  for (const std::int64_t number : {std::int64_t{-5}, std::int64_t{0}}) {
    amqp::Message message;
    message.properties.headers = {{"rpc-attempt", number}};
    Request request;
    ASSERT_TRUE(ToRequest(std::move(message), kNow, request).ok());
    EXPECT_EQ(request.attempt, 1);
  }
}

TEST(RabbitMqRequest, EarlierDeliveriesAreTheQueuesCount) {
  EXPECT_EQ(EarlierDeliveries({}), 0);
  EXPECT_EQ(
      EarlierDeliveries({.headers = {{"x-delivery-count", std::int64_t{3}}}}),
      3);
  EXPECT_EQ(
      EarlierDeliveries({.headers = {{"x-delivery-count", std::int64_t{-3}}}}),
      0);
  EXPECT_EQ(
      EarlierDeliveries({.headers = {{"x-delivery-count", std::string("3")}}}),
      0);
}

TEST(RabbitMqReply, OfSuccessIsBare) {
  amqp::Properties properties;
  properties.type = "left over";
  properties.headers = {{"left", std::string("over")}};
  FromReply({.correlation_id = "id", .body = "55"}, 2, properties);
  EXPECT_EQ(properties.correlation_id, "id");
  EXPECT_EQ(properties.delivery_mode, 2);
  EXPECT_TRUE(properties.type.empty());
  EXPECT_TRUE(properties.content_type.empty());
  EXPECT_TRUE(properties.headers.empty());
  const Reply reply = Carried(Reply{.correlation_id = "id", .body = "55"});
  EXPECT_TRUE(reply.status.ok());
  EXPECT_EQ(reply.body, "55");
}

TEST(RabbitMqReply, CarriesAStatusAndItsFacts) {
  const absl::Status sent = WithRetryAfter(
      NotRun(absl::ResourceExhaustedError("too much")), absl::Seconds(3));
  const Reply reply = Carried(Reply{.correlation_id = "id", .status = sent});
  EXPECT_EQ(reply.status, sent);
  EXPECT_FALSE(MayHaveRun(reply.status));
  EXPECT_EQ(RetryAfter(reply.status), absl::Seconds(3));
  EXPECT_TRUE(reply.body.empty());
  EXPECT_TRUE(
      MayHaveRun(Carried(Reply{.status = absl::UnknownError("x")}).status));
}

TEST(RabbitMqReply, FailureIsAnErrorToAPlainClient) {
  amqp::Properties properties;
  FromReply({.status = absl::OutOfRangeError("n")}, 1, properties);
  EXPECT_EQ(properties.type, "error");
  EXPECT_EQ(properties.content_type, "application/json");
}

TEST(RabbitMqReply, MessageIsCutToAKibibyte) {
  const std::string text(5000, 'x');
  amqp::Properties properties;
  FromReply({.status = absl::UnknownError(text)}, 1, properties);
  EXPECT_EQ(Text(properties, "rpc-status-message").size(), 1024u);
}

TEST(RabbitMqReply, StatusHeaderWins) {
  const Reply ok = ReplyWith(
      {.type = "error", .headers = {{"rpc-status", std::int64_t{0}}}});
  EXPECT_TRUE(ok.status.ok());
  EXPECT_EQ(ok.body, "7");
  const Reply failed =
      ReplyWith({.headers = {{"rpc-status", std::int64_t{5}}}});
  EXPECT_EQ(failed.status.code(), absl::StatusCode::kNotFound);
}

TEST(RabbitMqReply, PlainServersErrorIsUnknownWithItsText) {
  const Reply reply = ReplyWith({.type = "error"}, "it broke");
  EXPECT_EQ(reply.status, absl::UnknownError("it broke"));
  EXPECT_TRUE(MayHaveRun(reply.status));
}

TEST(RabbitMqReply, ForeignCodesAreUnknown) {
  for (const std::int64_t code : {17, -1, 1 << 30}) {
    EXPECT_EQ(ReplyWith({.headers = {{"rpc-status", code}}}).status.code(),
              absl::StatusCode::kUnknown);
  }
}

TEST(RabbitMqReply, HeadersOfTheWrongTypeAreNoFailure) {
  const Reply reply = ReplyWith(
      {.headers = {{"rpc-status", std::string("5")}, {"rpc-not-run", true}}});
  EXPECT_TRUE(reply.status.ok());
}

TEST(RabbitMqReply, TooLargeOneIsResourceExhaustedAndMayHaveRun) {
  amqp::Delivery delivery;
  delivery.body_too_large = true;
  delivery.message.properties.correlation_id = "id";
  const Reply reply = ToReply(std::move(delivery));
  EXPECT_EQ(reply.status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(MayHaveRun(reply.status));
  EXPECT_EQ(reply.correlation_id, "id");
}

}  // namespace
}  // namespace rpc::rabbitmq
