#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "rpc/amqp/decoder.h"
#include "rpc/amqp/frames.h"
#include "rpc/amqp/rabbitmq_c.h"
#include "rpc/amqp/session.h"
#include "rpc/amqp/session_listener.h"
#include "rpc/base/deadline.h"
#include "rpc/core/dispatcher.h"
#include "rpc/core/server.h"
#include "rpc/handler/service.h"
#include "rpc/message/envelope.h"
#include "rpc/message/method.h"
#include "rpc/message/server_context.h"
#include "rpc/message/wire.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/serializer/json_serializer.h"
#include "rpc/transport/rabbitmq_counters.h"
#include "rpc/transport/rabbitmq_options.h"
#include "rpc/transport/rabbitmq_serving.h"
#include "tests/fuzz/frames.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/sent.h"

// A whole server without a broker: whatever a hostile client publishes arrives
// as the frames in which a broker delivers it.
namespace rpc::rabbitmq {
namespace {

using ::rpc::fuzz::Input;
using ::rpc::fuzz::Require;

constexpr std::size_t kBodyLimit = 200;
// Of the handlers of one input.
int runs = 0;

struct Twice {
  using Method = rpc::Method<"twice", std::int64_t(std::int64_t)>;
  std::int64_t operator()(std::int64_t value) const {
    ++runs;
    return value / 2 * 2;
  }
};
struct Fail {
  using Method = rpc::Method<"fail", std::int64_t(std::int64_t)>;
  absl::StatusOr<std::int64_t> operator()(std::int64_t value) const {
    ++runs;
    return absl::Status(
        static_cast<absl::StatusCode>(1 + (value & 15)),
        std::string(static_cast<std::size_t>(value & 4095), 'x'));
  }
};
struct Repeat {
  using Method = rpc::Method<"repeat", std::string(std::string)>;
  std::string operator()(const std::string& text) const {
    ++runs;
    return text + text;
  }
};

// As an endpoint does it.
template <typename Serializer, typename Handler>
void Handle(const ServerContext& context, const Request& request,
            Reply& reply) {
  using Dispatch = core::Dispatcher<Serializer, Handler>;
  static constexpr Serializer kSerializer;
  static constexpr Handler kHandler;
  reply.status = Dispatch::CheckContentType(request.content_type);
  if (reply.status.ok()) {
    reply.status =
        Dispatch(&kSerializer, &kHandler)
            .Dispatch(context, request.method, request.body.view(), reply.body);
  }
  if (!reply.status.ok()) reply.body.clear();
}

// What a publisher writes as the content header of a message, whole as a broker
// demands it; the headers table is any.
struct Published {
  std::string reply_to;
  std::string correlation_id;
  std::string message_id;
  std::string payload;
};

class Publisher {
 public:
  static Published Write(Input& input, std::uint64_t body_size) {
    const auto flags =
        static_cast<std::uint16_t>(input.Take<std::uint16_t>() & 0xFFF8);
    Published published;
    std::string& bytes = published.payload;
    fuzz::AppendNumber(AMQP_BASIC_CLASS, 2, &bytes);
    fuzz::AppendNumber(0, 2, &bytes);
    fuzz::AppendNumber(body_size, 8, &bytes);
    fuzz::AppendNumber(flags, 2, &bytes);
    for (unsigned bit = 15; bit >= 3; --bit) {
      if ((flags >> bit & 1) != 0) Append(1u << bit, input, &published);
    }
    return published;
  }

  static bool IsAllowed(std::string_view reply_to) {
    return reply_to.starts_with("amq.gen-") ||
           reply_to.starts_with("rpc.reply.") || reply_to == "replies" ||
           reply_to.starts_with("team.");
  }

 private:
  static void Append(unsigned flag, Input& input, Published* published) {
    std::string& bytes = published->payload;
    switch (flag) {
      case AMQP_BASIC_HEADERS_FLAG: {
        const std::string_view table = input.Text();
        fuzz::AppendNumber(table.size(), 4, &bytes);
        bytes.append(table);
        return;
      }
      case AMQP_BASIC_DELIVERY_MODE_FLAG:
      case AMQP_BASIC_PRIORITY_FLAG:
        return fuzz::AppendNumber(input.Take<std::uint8_t>(), 1, &bytes);
      case AMQP_BASIC_TIMESTAMP_FLAG:
        return fuzz::AppendNumber(input.Take<std::uint8_t>(), 8, &bytes);
      case AMQP_BASIC_REPLY_TO_FLAG:
        published->reply_to = ReplyTo(input);
        return AppendText(published->reply_to, &bytes);
      case AMQP_BASIC_CORRELATION_ID_FLAG:
        published->correlation_id = input.Text();
        return AppendText(published->correlation_id, &bytes);
      case AMQP_BASIC_MESSAGE_ID_FLAG:
        published->message_id = input.Text();
        return AppendText(published->message_id, &bytes);
      default:
        return AppendText(input.Text(), &bytes);
    }
  }

  static void AppendText(std::string_view text, std::string* bytes) {
    fuzz::AppendNumber(text.size(), 1, bytes);
    bytes->append(text);
  }

  static std::string ReplyTo(Input& input) {
    constexpr std::string_view kNames[] = {
        "amq.gen-1", "rpc.reply.1", "replies", "team.a",
        "victim",    "replies2",    "amq.gen", "amq.rabbitmq.reply-to"};
    const unsigned index = input.Below(9);
    return std::string(index < 8 ? kNames[index] : input.Text());
  }
};

class World final : public amqp::SessionListener {
 public:
  explicit World(Input input) : input_(input) {}

  void Run() {
    LogIn();
    Require(serving_.Start(&server_, server_.serving_options()).ok(),
            "a server begins");
    Turn();
    while (!input_.empty()) Step();
    Receive(0, amqp::frame::Unblocked{});
    // As many as leave one buffer full each.
    for (int i = 0; i < 20; ++i) Turn();
    Require(session_.open(), "no client ends the connection");
    Require(unsettled_.empty(), "each delivery is acknowledged");
    session_.OnDisconnected(absl::UnavailableError("the end"), now_);
    serving_.OnTurn(nullptr, now_);
  }

  void OnClosed(const absl::Status&, amqp::Retry) override {}

 private:
  // What one delivery has to get.
  struct Expected {
    std::string reply_to;  // empty: no reply
    std::string correlation_id;
    bool ran = false;
    bool replied = false;
  };

  static RabbitMqOptions Options(bool has_limit) {
    RabbitMqOptions options;
    options.topology = TutorialQueue("q");
    options.topology.delivery_limit = has_limit ? 3 : 0;
    options.allow_reply_to = {"replies", "team.*"};
    options.max_body_bytes = kBodyLimit;
    return options;
  }

  static amqp::SessionOptions SessionOptions() {
    amqp::SessionOptions options;
    options.body_limit = kBodyLimit;
    return options;
  }

  static core::Server::Handle Handler(bool json) {
    if (json) return Handle<JsonSerializer, Service<Twice, Fail, Repeat>>;
    return Handle<DecimalSerializer, Service<Twice, Fail>>;
  }

  void Receive(std::uint16_t channel, const amqp::FramePayload& payload) {
    session_.OnFrame({channel, payload}, now_);
  }

  void LogIn() {
    Receive(0, amqp::frame::Start{"PLAIN", true});
    Receive(0, amqp::frame::Tune{2000, 4096, 10});
    Receive(0, amqp::frame::OpenOk{});
  }

  void Step() {
    switch (input_.Below(8)) {
      case 0:
        return Turn();
      case 1:
        return Receive(0, amqp::frame::Blocked{});
      case 2:
        return Receive(0, amqp::frame::Unblocked{});
      case 3:
        return LoseChannel();
      default:
        return Deliver();
    }
  }

  // A turn of the connection's loop, at whose end all has been sent.
  void Turn() {
    now_ += std::chrono::milliseconds(200);
    serving_.OnTurn(&session_, now_);
    Receive(0, amqp::frame::Heartbeat{});
    session_.OnTime(now_);
    fuzz::Sent sent(session_.out());
    while (sent.Next()) Read(sent);
    session_.out().Sent(session_.out().size());
    if (asked_) Receive(channel_, amqp::frame::ChannelFlowOk{});
    asked_ = false;
    if (opened_) BecomeReady();
  }

  // The broker takes each step of the plan; the channel's deliveries are
  // numbered from 1.
  void BecomeReady() {
    opened_ = false;
    Receive(channel_, amqp::frame::ChannelOpenOk{});
    Receive(channel_, amqp::frame::QueueDeclareOk{"q", 0, 0});
    Receive(channel_, amqp::frame::QosOk{});
    Receive(channel_, amqp::frame::ConsumeOk{"ctag"});
    session_.out().Sent(session_.out().size());
    ready_ = true;
    tag_ = 0;
  }

  // With all that was delivered on it; another server gets that.
  void LoseChannel() {
    if (!ready_) return;
    ready_ = false;
    Receive(channel_, amqp::frame::ChannelClose{406, "PRECONDITION_FAILED"});
    unsettled_.clear();
    replies_.clear();
  }

  void Deliver() {
    if (!ready_) return;
    std::string body(input_.Text());
    if (input_.Below(16) == 15) body.resize(kBodyLimit + 1, '0');
    const Published published = Publisher::Write(input_, body.size());
    const bool is_allowed =
        published.reply_to.empty() || Publisher::IsAllowed(published.reply_to);
    const std::uint64_t tag = ++tag_;
    // Before the handler runs: its reply may leave at once.
    Expected& expected = unsettled_[tag];
    if (is_allowed) expected.reply_to = published.reply_to;
    expected.correlation_id = published.correlation_id.empty()
                                  ? published.message_id
                                  : published.correlation_id;
    expected.replied = expected.reply_to.empty();
    if (!expected.replied) replies_.push_back(tag);
    runs = 0;
    ReceiveDelivery(tag, published.payload, body);
    Require(runs == 0 || (runs == 1 && is_allowed),
            "what may not be answered is not run");
    Require(runs == 0 || body.size() <= kBodyLimit, "nor is what is too large");
    expected.ran = runs == 1;
  }

  void ReceiveDelivery(std::uint64_t tag, std::string_view payload,
                       std::string_view body) {
    Receive(channel_,
            amqp::frame::Deliver{"ctag", tag, input_.Flag(), "", "q"});
    std::string bytes;
    fuzz::AppendFrame(AMQP_FRAME_HEADER, channel_, payload, &bytes);
    std::string_view rest = bytes;
    fuzz::Feed(decoder_, bytes.size(), &rest);
    const auto header = decoder_.Next();
    Require(header.ok() && *header != nullptr,
            "what a broker passes on is decoded");
    session_.OnFrame(**header, now_);
    if (!body.empty()) Receive(channel_, amqp::frame::Body{body});
  }

  void Read(fuzz::Sent& sent) {
    switch (sent.method()) {
      case AMQP_CHANNEL_OPEN_METHOD:
        opened_ = true;
        channel_ = sent.channel();
        return;
      case AMQP_CHANNEL_FLOW_METHOD:
        asked_ = true;
        return;
      case AMQP_BASIC_PUBLISH_METHOD:
        return ReadReply(sent);
      case AMQP_BASIC_ACK_METHOD:
        return ReadAck(sent);
      case AMQP_BASIC_REJECT_METHOD:
        Require(limited_, "only what was delivered too often is rejected");
        return Settle(sent.Arguments<amqp_basic_reject_t>().delivery_tag);
      default:
        return;
    }
  }

  void ReadReply(fuzz::Sent& sent) {
    Require(!replies_.empty(), "there is a reply where one was asked for");
    Expected& expected = unsettled_.at(replies_.front());
    replies_.pop_front();
    const auto& publish = sent.Arguments<amqp_basic_publish_t>();
    Require(publish.exchange.len == 0, "replies go to queues");
    Require(amqp::ToView(publish.routing_key) == expected.reply_to,
            "a reply goes where it was asked for");
    Require(sent.Next() && sent.IsHeader(), "a message has a content header");
    const amqp::frame::ContentHeader header = sent.Header();
    Require(header.properties->correlation_id == expected.correlation_id,
            "a reply has the request's id");
    Require(header.body_size <= kBodyLimit, "no body is over the limit");
    const auto* not_run = amqp::FindHeader(*header.properties, wire::kNotRun);
    Require(not_run == nullptr || !expected.ran, "what has run is not denied");
    if (header.body_size > 0) Require(sent.Next() && sent.IsBody(), "nor cut");
    expected.replied = true;
  }

  void ReadAck(fuzz::Sent& sent) {
    const auto& ack = sent.Arguments<amqp_basic_ack_t>();
    const std::uint64_t tag = ack.delivery_tag;
    if (ack.multiple == 0) return Settle(tag);
    Require(unsettled_.contains(tag), "no delivery is acknowledged twice");
    while (!unsettled_.empty() && unsettled_.begin()->first <= tag) {
      Settle(unsettled_.begin()->first);
    }
  }

  void Settle(std::uint64_t tag) {
    const auto found = unsettled_.find(tag);
    Require(found != unsettled_.end(), "a delivery is settled once");
    Require(found->second.replied, "a reply leaves before its acknowledgement");
    unsettled_.erase(found);
  }

  Input input_;
  // Later than the real clock, by which the server tells what has expired.
  TimePoint now_ = TimePoint(std::chrono::hours(24 * 365 * 50));
  const bool limited_ = input_.Flag();
  const RabbitMqOptions options_ = Options(limited_);
  amqp::Session session_{SessionOptions(), this, now_};
  core::Server server_{
      {.workers = 0}, Handler(input_.Flag()), {.cancels_handlers = false}};
  Counters counters_;
  Serving serving_{options_, &counters_, [] {}};
  amqp::Decoder decoder_;
  std::uint16_t channel_ = 0;
  bool opened_ = false;
  bool asked_ = false;  // whether the broker reads
  bool ready_ = false;
  std::uint64_t tag_ = 0;
  std::map<std::uint64_t, Expected> unsettled_;  // by delivery tag
  std::deque<std::uint64_t> replies_;            // tags, in order
};

}  // namespace
}  // namespace rpc::rabbitmq

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  rpc::rabbitmq::World(rpc::fuzz::Input(data, size)).Run();
  return 0;
}
