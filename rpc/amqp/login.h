#ifndef RPC_AMQP_LOGIN_H_
#define RPC_AMQP_LOGIN_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "rpc/amqp/encoder.h"
#include "rpc/amqp/ending.h"
#include "rpc/amqp/frames.h"
#include "rpc/amqp/message.h"
#include "rpc/amqp/rabbitmq_c.h"
#include "rpc/amqp/reply_code.h"
#include "rpc/amqp/session_options.h"
#include "rpc/amqp/table.h"
#include "rpc/base/status.h"

namespace rpc::amqp {

// The handshake of a Session: start, start-ok, tune, tune-ok, open, open-ok.
// Thread-compatible.
class Login {
 public:
  // `options` and `encoder` must outlive it.
  Login(const SessionOptions& options, Encoder* encoder)
      : options_(options), encoder_(*encoder) {
    encoder_.ProtocolHeader();
  }

  bool done() const { return stage_ == Stage::kDone; }

  // What was negotiated, once the broker has tuned.
  std::uint16_t channel_max() const { return channel_max_; }
  absl::Duration heartbeat() const { return heartbeat_; }

  // Takes the broker's next word; an error is a breach of the protocol, or what
  // we cannot speak.
  Ending OnFrame(const FramePayload& payload) {
    if (const auto* start = payload.If<frame::Start>();
        start != nullptr && stage_ == Stage::kStart) {
      return OnStart(*start);
    }
    if (const auto* tune = payload.If<frame::Tune>();
        tune != nullptr && stage_ == Stage::kTune) {
      return OnTune(*tune);
    }
    if (payload.Is<frame::OpenOk>() && stage_ == Stage::kOpen) {
      stage_ = Stage::kDone;
      return {absl::OkStatus()};
    }
    if (payload.Is<frame::Secure>()) {
      return {absl::UnauthenticatedError(
                  "the broker asked a second question at login, which neither "
                  "PLAIN nor EXTERNAL has"),
              Retry::kNever};
    }
    return {absl::InternalError(absl::StrCat(
        "the broker sent a method out of turn at login, ", Waiting()))};
  }

  // The broker refused, in words.
  Ending OnClose(const frame::Close& close) const {
    absl::Status status = StatusOfReply(close.code, close.text);
    // Limits on connections come with the same code as refusals.
    if (close.code == AMQP_NOT_ALLOWED &&
        absl::StrContains(ToAbsl(close.text), "limit")) {
      return {
          absl::ResourceExhaustedError(WordsOfReply(close.code, close.text))};
    }
    if (close.code == AMQP_ACCESS_REFUSED && stage_ == Stage::kTune) {
      return {Refused(WordsOfReply(close.code, close.text)), Retry::kNever};
    }
    if (close.code == AMQP_ACCESS_REFUSED || close.code == AMQP_NOT_ALLOWED ||
        close.code == AMQP_INVALID_PATH) {
      return {Annotate(status, absl::StrCat("opening vhost '", options_.vhost,
                                            "' as user '", options_.user, "'")),
              Retry::kNever};
    }
    return {Annotate(status, "login")};
  }

  // The connection broke. Brokers without authentication_failure_close tell
  // refused credentials in this way only.
  Ending OnDisconnected(const absl::Status& status) const {
    if (status.code() == absl::StatusCode::kUnauthenticated) {
      return {status, Retry::kNever};
    }
    if (stage_ == Stage::kTune && !tells_refused_login_) {
      return {Refused("it hung up"), Retry::kNever};
    }
    return {Annotate(status, absl::StrCat("login, ", Waiting()))};
  }

  std::string Waiting() const {
    switch (stage_) {
      case Stage::kStart:
        return "waiting for connection.start";
      case Stage::kTune:
        return "waiting for connection.tune";
      case Stage::kOpen:
        return absl::StrCat("waiting for vhost '", options_.vhost, "'");
      case Stage::kDone:
        break;
    }
    return "logged in";
  }

 private:
  enum class Stage { kStart, kTune, kOpen, kDone };

  std::string_view MechanismName() const {
    return options_.mechanism == Mechanism::kExternal ? "EXTERNAL" : "PLAIN";
  }

  absl::Status Refused(std::string_view how) const {
    return absl::UnauthenticatedError(absl::StrCat(
        "login as user '", options_.user, "' by ", ToAbsl(MechanismName()),
        " was refused: ", ToAbsl(how), "; check user name and ",
        options_.mechanism == Mechanism::kExternal ? "certificate"
                                                   : "password"));
  }

  Ending OnStart(const frame::Start& start) {
    tells_refused_login_ = start.tells_refused_login;
    // Between spaces, so that no part of a longer name is taken for it.
    if (!absl::StrContains(absl::StrCat(" ", ToAbsl(start.mechanisms), " "),
                           absl::StrCat(" ", ToAbsl(MechanismName()), " "))) {
      return {
          absl::UnauthenticatedError(absl::StrCat(
              "the broker does not offer login by ", ToAbsl(MechanismName()),
              ", only by: ", ToAbsl(start.mechanisms.substr(0, 200)))),
          Retry::kNever};
    }
    const absl::Status sent = SendStartOk();
    if (!sent.ok()) {
      return {Annotate(sent, "client properties or credentials"),
              Retry::kNever};
    }
    stage_ = Stage::kTune;
    return {absl::OkStatus()};
  }

  absl::Status SendStartOk() {
    std::vector<Header> properties = {{"product", std::string("rpc")},
                                      {"version", std::string("1.0")},
                                      {"platform", std::string("C++")}};
    if (!options_.connection_name.empty()) {
      properties.push_back({"connection_name", options_.connection_name});
    }
    for (const Header& property : options_.client_properties) {
      properties.push_back(property);
    }
    // https://www.rabbitmq.com/docs/consumers#capabilities
    const std::vector<Header> capabilities = {
        {"authentication_failure_close", true},
        {"basic.nack", true},
        {"connection.blocked", true},
        {"consumer_cancel_notify", true},
        {"publisher_confirms", true}};
    Table table, inner;
    amqp_table_t capability_table = {}, property_table = {};
    if (!inner.Fill(capabilities, &capability_table) ||
        !table.Fill(properties, &property_table)) {
      return absl::InvalidArgumentError(
          "a client property's name must have from 1 to 255 bytes");
    }
    table.Nest("capabilities", capability_table);

    // RFC 4616 for PLAIN; EXTERNAL needs some identity, the broker takes it
    // from the certificate.
    const std::string credentials =
        options_.mechanism == Mechanism::kExternal
            ? options_.user
            : absl::StrCat(absl::string_view("\0", 1), options_.user,
                           absl::string_view("\0", 1), options_.password);
    amqp_connection_start_ok_t method = {};
    method.client_properties = table.view();
    method.mechanism = ToAmqp(MechanismName());
    method.response = ToAmqp(credentials);
    method.locale = ToAmqp("en_US");
    return encoder_.Append(0, AMQP_CONNECTION_START_OK_METHOD, method);
  }

  Ending OnTune(const frame::Tune& tune) {
    if (tune.frame_max != 0 && tune.frame_max < AMQP_FRAME_MIN_SIZE) {
      return {absl::InternalError(
          absl::StrCat("the broker offers frames of ", tune.frame_max,
                       " bytes, less than the protocol's least"))};
    }
    channel_max_ = tune.channel_max != 0 ? tune.channel_max : 65535;
    std::uint32_t frame_max = options_.frame_max;
    if (tune.frame_max != 0) frame_max = std::min(frame_max, tune.frame_max);
    heartbeat_ = options_.heartbeat;
    if (tune.heartbeat != 0) {
      heartbeat_ = std::min(heartbeat_, absl::Seconds(tune.heartbeat));
    }
    encoder_.set_frame_max(frame_max);

    amqp_connection_tune_ok_t tune_ok = {};
    tune_ok.channel_max = channel_max_;
    tune_ok.frame_max = frame_max;
    tune_ok.heartbeat =
        static_cast<std::uint16_t>(absl::ToInt64Seconds(heartbeat_));
    amqp_connection_open_t open = {};
    open.virtual_host = ToAmqp(options_.vhost);
    absl::Status sent =
        encoder_.Append(0, AMQP_CONNECTION_TUNE_OK_METHOD, tune_ok);
    sent.Update(encoder_.Append(0, AMQP_CONNECTION_OPEN_METHOD, open));
    if (!sent.ok()) return {Annotate(sent, "vhost"), Retry::kNever};
    stage_ = Stage::kOpen;
    return {absl::OkStatus()};
  }

  const SessionOptions& options_;
  Encoder& encoder_;
  Stage stage_ = Stage::kStart;
  bool tells_refused_login_ = false;
  std::uint16_t channel_max_ = 65535;
  absl::Duration heartbeat_;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_LOGIN_H_
