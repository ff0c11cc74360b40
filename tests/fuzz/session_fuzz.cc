#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "rpc/amqp/decoder.h"
#include "rpc/amqp/frames.h"
#include "rpc/amqp/message.h"
#include "rpc/amqp/session.h"
#include "rpc/amqp/session_listener.h"
#include "rpc/amqp/session_options.h"
#include "rpc/amqp/topology.h"
#include "rpc/base/bytes.h"
#include "rpc/base/deadline.h"
#include "tests/fuzz/frames.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/require.h"

// A broker that sends what it likes, between the commands of an owner who uses
// the session as it may be used, from within listeners too.
namespace rpc::amqp {
namespace {

using ::rpc::fuzz::Input;
using ::rpc::fuzz::Require;

// The broker uses numbers below this.
constexpr unsigned kChannels = 6;
constexpr std::size_t kBodyLimit = 300;
constexpr std::size_t kOutLimit = 2000;
// What of ours may be in the buffer beyond what CanPublish() lets in: one
// publish, and the answers and commands of one input, which are short each.
constexpr std::size_t kMostOfOneStep = 4096;

class World;

class Listener final : public ChannelListener {
 public:
  Listener(World* world, const ChannelPlan& plan)
      : world_(*world),
        confirms_(plan.confirms),
        consumes_(plan.consumer.has_value()) {}

  void OnReady(const ChannelNames&) override;
  void OnDelivery(Delivery&& delivery) override;
  void OnReturn(Return&& returned) override;
  void OnConfirm(std::uint64_t sequence, Confirm confirm) override;
  void OnConsumerCancelled() override {
    Require(consumes_, "what consumes can be cancelled");
    HeardWhileOpen();
  }
  void OnCancelled() override { Heard(); }
  void OnChannelClosed(const absl::Status& status, Retry retry) override;

  void Published(std::uint64_t sequence) {
    if (confirms_ == Confirms::kOff) {
      return Require(sequence == 0, "without confirms there are no numbers");
    }
    Require(sequence != 0 && unconfirmed_.insert(sequence).second,
            "each publish has a number of its own");
  }

  ChannelId id = {};
  bool ready = false;
  bool closed = false;

 private:
  void Heard();
  void HeardWhileOpen();

  World& world_;
  const Confirms confirms_;
  const bool consumes_;
  std::set<std::uint64_t> unconfirmed_;
};

class World final : public SessionListener {
 public:
  explicit World(Input input)
      : input_(input), session_(Options(), this, now_) {}

  void Run() {
    if (input_.Flag()) LogIn();
    while (!input_.empty()) {
      Step();
      Check();
    }
    session_.OnDisconnected(absl::UnavailableError("the end"), now_);
    Require(closed_, "a session ends");
    for (const Listener& each : listeners_) {
      Require(each.closed, "each channel ends with its session");
    }
  }

  bool closed() const { return closed_; }

  // What the broker said of the body that has come on a channel.
  void CheckBody(ChannelId id, const Bytes& body) const {
    const std::uint64_t size = declared_[static_cast<std::size_t>(id)];
    Require(body.view().size() == (size <= kBodyLimit ? size : 0),
            "a body is as long as was said, or was skipped");
  }

  // From SessionListener.
  void OnOpen() override {
    Require(!std::exchange(opened_, true), "it opens once");
    React(nullptr);
  }
  void OnBlocked(std::string_view) override { Heard(); }
  void OnUnblocked() override { Heard(); }
  void OnClosed(const absl::Status& status, Retry) override {
    Require(!std::exchange(closed_, true), "it closes once");
    Require(!status.ok(), "an end has a reason");
    for (const Listener& each : listeners_) {
      Require(each.closed, "channels are closed before their session");
    }
  }

  // What an owner does when it was told something: what the input says, but not
  // without end.
  void React(Listener* listener) {
    if (depth_ == 2 || !input_.Flag()) return;
    ++depth_;
    Command(listener);
    --depth_;
  }

 private:
  static SessionOptions Options() {
    SessionOptions options;
    options.body_limit = kBodyLimit;
    options.out_limit = kOutLimit;
    options.frame_max = 4096;
    return options;
  }

  void Heard() {
    Require(opened_ && !closed_, "nobody is told of what is not open");
    React(nullptr);
  }

  void LogIn() {
    Receive(0, frame::Start{"PLAIN", true});
    Receive(0, frame::Tune{10, 4096, 10});
    Receive(0, frame::OpenOk{});
    Require(opened_, "a broker lets us in");
  }

  void Receive(std::uint16_t channel, const FramePayload& payload) {
    const Frame frame = {channel, payload};
    Receive(frame);
  }

  void Receive(const Frame& frame) {
    const auto* header = frame.payload.If<frame::ContentHeader>();
    if (header != nullptr) declared_[frame.channel] = header->body_size;
    session_.OnFrame(frame, now_);
  }

  void Check() const {
    Require(session_.out().size() <= kOutLimit + kMostOfOneStep,
            "little waits to be sent");
    Require(session_.closed() == closed_, "who is closed has been told");
    Require(!closed_ || session_.NextWake() == kNever,
            "what is over needs no time");
    for (const Listener& each : listeners_) {
      Require(!session_.CanPublish(each.id) || (each.ready && !each.closed),
              "what takes publishes is open");
    }
  }

  void Step() {
    switch (input_.Below(5)) {
      case 0:
        return ReceiveOnce();
      case 1:
        return ReceiveOften();
      case 2:
        return ReceiveBytes();
      case 3:
        return Command(Pick());
      default:
        return Pass();
    }
  }

  std::uint16_t Number() {
    return static_cast<std::uint16_t>(input_.Below(kChannels));
  }

  Listener* Pick() {
    const unsigned index = input_.Below(8);
    return index < listeners_.size() ? &listeners_[index] : nullptr;
  }

  void ReceiveOnce() {
    // An input means the same to each compiler.
    const std::uint16_t channel = Number();
    Receive(channel, Payload());
  }

  // One frame again and again: what is short by itself may add up.
  void ReceiveOften() {
    const std::uint16_t channel = Number();
    const FramePayload payload = Payload();
    const unsigned times = input_.Flag() ? 500 : 2;
    for (unsigned i = 0; i < times; ++i) Receive(channel, payload);
  }

  // Any payload in a frame that is whole.
  void ReceiveBytes() {
    const unsigned type = input_.Below(9);
    const std::uint16_t channel = Number();
    std::string bytes;
    fuzz::AppendFrame(type, channel, input_.Text(), &bytes);
    std::string_view rest = bytes;
    fuzz::Feed(decoder_, bytes.size(), &rest);
    const auto frame = decoder_.Next();
    if (!frame.ok()) {
      session_.OnMalformed(frame.status(), now_);
    } else {
      Require(*frame != nullptr, "a whole frame is one");
      Receive(**frame);
    }
  }

  // Time passes, and bytes leave.
  void Pass() {
    const unsigned quarters = input_.Below(16);
    if (input_.Flag()) session_.out().Sent(session_.out().size());
    now_ += std::chrono::milliseconds(250) * quarters;
    if (input_.Flag()) now_ = std::max(now_, session_.NextWake());
    if (now_ >= kNever) now_ = kStart;
    session_.OnTime(now_);
  }

  FramePayload Payload() {
    switch (input_.Below(14)) {
      case 0:
        return FrameOfConnection();
      case 1:
        return FrameOfChannel();
      case 2:
        return frame::ChannelOpenOk{};
      case 3:
        return frame::QueueDeclareOk{input_.Text(), 0, 0};
      case 4:
        return frame::ConfirmSelectOk{};
      case 5:
        return frame::QosOk{};
      case 6:
        return frame::ConsumeOk{input_.Text()};
      case 7:
        return frame::Deliver{"", input_.Take<std::uint8_t>(), input_.Flag(),
                              "", input_.Text()};
      case 8:
        return frame::Return{312, input_.Text(), "", ""};
      case 9:
        return frame::ContentHeader{input_.Take<std::uint16_t>()};
      case 10:
        return frame::Body{input_.Text()};
      case 11:
        return frame::Ack{input_.Take<std::uint8_t>(), input_.Flag()};
      case 12:
        return frame::Nack{input_.Take<std::uint8_t>(), input_.Flag()};
      default:
        return frame::Heartbeat{};
    }
  }

  FramePayload FrameOfConnection() {
    switch (input_.Below(9)) {
      case 0:
        return frame::Start{input_.Text(), input_.Flag()};
      case 1:
        return frame::Secure{};
      case 2:
        return frame::Tune{input_.Take<std::uint16_t>(),
                           input_.Take<std::uint32_t>(),
                           input_.Take<std::uint16_t>()};
      case 3:
        return frame::OpenOk{};
      case 4:
        return frame::Close{input_.Take<std::uint16_t>(), input_.Text(),
                            input_.Take<std::uint8_t>(), 0};
      case 5:
        return frame::CloseOk{};
      case 6:
        return frame::Blocked{input_.Text()};
      case 7:
        return frame::Unblocked{};
      default:
        return frame::Unexpected{input_.Take<std::uint32_t>()};
    }
  }

  FramePayload FrameOfChannel() {
    switch (input_.Below(8)) {
      case 0:
        return frame::ChannelFlow{input_.Flag()};
      case 1:
        return frame::ChannelClose{input_.Take<std::uint16_t>(), input_.Text()};
      case 2:
        return frame::ChannelCloseOk{};
      case 3:
        return frame::ExchangeDeclareOk{};
      case 4:
        return frame::QueueBindOk{};
      case 5:
        return frame::Cancel{input_.Text()};
      case 6:
        return frame::CancelOk{input_.Text()};
      default:
        return frame::ChannelFlowOk{};
    }
  }

  void Command(Listener* listener) {
    const unsigned command = input_.Below(8);
    if (command == 0) return Open();
    if (command == 1) return session_.Close();
    if (listener == nullptr) return;
    switch (command) {
      case 2:
        return session_.Ack(listener->id, input_.Take<std::uint8_t>(),
                            AckMode::kMultiple);
      case 3:
        return session_.Reject(listener->id, input_.Take<std::uint8_t>(),
                               Requeue::kYes);
      case 4:
        return session_.CancelConsumer(listener->id);
      case 5:
        return session_.CloseChannel(listener->id);
      default:
        return Publish(*listener);
    }
  }

  void Open() {
    const unsigned bits = input_.Take<std::uint8_t>();
    ChannelPlan plan;
    if ((bits & 1) != 0) plan.topology.queues = {{.exclusive = true}};
    if ((bits & 2) != 0) plan.confirms = Confirms::kOn;
    if ((bits & 4) != 0) plan.prefetch = 3;
    if ((bits & 8) != 0) plan.consumer = Consumer{};
    if ((bits & 16) != 0) plan.topology.exchanges = {{.name = "ex"}};
    if ((bits & 32) != 0) plan.topology.bindings = {{.exchange = "ex"}};
    // A name that cannot be encoded.
    if ((bits & 192) == 192)
      plan.topology.exchanges = {{std::string(256, 'x')}};
    Listener& listener = listeners_.emplace_back(this, plan);
    const auto id = session_.OpenChannel(std::move(plan), &listener, now_);
    if (!id.ok()) return listeners_.pop_back();
    listener.id = *id;
  }

  void Publish(Listener& listener) {
    const bool can = session_.CanPublish(listener.id);
    const std::string body(input_.Take<std::uint16_t>() % (kBodyLimit + 2),
                           'x');
    Properties properties;
    properties.correlation_id = input_.Text();
    const auto sequence = session_.Publish(listener.id, "", "q", properties,
                                           body, Mandatory::kYes);
    Require(sequence.ok() == (can && body.size() <= kBodyLimit),
            "what fits is taken");
    if (sequence.ok()) listener.Published(*sequence);
  }

  static constexpr TimePoint kStart = TimePoint(std::chrono::hours(1));

  Input input_;
  TimePoint now_ = kStart;
  int depth_ = 0;
  bool opened_ = false;
  bool closed_ = false;
  std::deque<Listener> listeners_;
  // By channel number.
  std::array<std::uint64_t, kChannels> declared_ = {};
  Decoder decoder_;
  Session session_;
};

void Listener::Heard() {
  Require(ready, "a channel is told when it is ready");
  HeardWhileOpen();
}

void Listener::HeardWhileOpen() {
  Require(!closed, "a channel is told while it is open");
  world_.React(this);
}

void Listener::OnReady(const ChannelNames&) {
  Require(!std::exchange(ready, true) && !closed, "a channel is ready once");
  world_.React(this);
}

void Listener::OnDelivery(Delivery&& delivery) {
  world_.CheckBody(id, delivery.message.body);
  Require(consumes_, "what consumes is delivered to");
  HeardWhileOpen();
}

void Listener::OnReturn(Return&& returned) {
  world_.CheckBody(id, returned.message.body);
  Heard();
}

void Listener::OnConfirm(std::uint64_t sequence, Confirm) {
  Require(unconfirmed_.erase(sequence) == 1, "a publish is confirmed once");
  Heard();
}

void Listener::OnChannelClosed(const absl::Status& status, Retry) {
  Require(!std::exchange(closed, true), "a channel closes once");
  Require(!world_.closed(), "and before its session");
  Require(!status.ok(), "an end has a reason");
  world_.React(this);
}

}  // namespace
}  // namespace rpc::amqp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  rpc::amqp::World(rpc::fuzz::Input(data, size)).Run();
  return 0;
}
