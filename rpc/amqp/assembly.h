#ifndef RPC_AMQP_ASSEMBLY_H_
#define RPC_AMQP_ASSEMBLY_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "rpc/amqp/frames.h"
#include "rpc/amqp/message.h"
#include "rpc/base/deadline.h"

namespace rpc::amqp {

// Puts one incoming message together: a deliver or return, its content header,
// its body frames. A body over the limit is counted and not kept.
// Thread-compatible.
class Assembly {
 public:
  explicit Assembly(std::size_t body_limit) : body_limit_(body_limit) {}

  bool idle() const { return stage_ == Stage::kIdle; }
  bool complete() const { return stage_ == Stage::kBody && missing_ == 0; }
  bool is_return() const { return is_return_; }
  // When the first frame came; meaningless if idle.
  TimePoint begun() const { return begun_; }

  absl::Status Begin(const frame::Deliver& deliver, TimePoint now) {
    if (!idle()) return OutOfTurn("basic.deliver");
    Reset(now);
    delivery_.tag = deliver.delivery_tag;
    delivery_.redelivered = deliver.redelivered;
    delivery_.message.exchange = deliver.exchange;
    delivery_.message.routing_key = deliver.routing_key;
    is_return_ = false;
    return absl::OkStatus();
  }

  absl::Status Begin(const frame::Return& returned, TimePoint now) {
    if (!idle()) return OutOfTurn("basic.return");
    Reset(now);
    delivery_.message.exchange = returned.exchange;
    delivery_.message.routing_key = returned.routing_key;
    return_code_ = returned.code;
    return_text_ = returned.text;
    is_return_ = true;
    return absl::OkStatus();
  }

  absl::Status Add(const frame::ContentHeader& header) {
    if (stage_ != Stage::kHeader) return OutOfTurn("a content header");
    if (header.properties != nullptr) {
      delivery_.message.properties = std::move(*header.properties);
    } else {
      delivery_.message.properties.clear();
    }
    missing_ = header.body_size;
    delivery_.body_too_large = header.body_size > body_limit_;
    delivery_.message.body.clear();
    if (!delivery_.body_too_large) {
      delivery_.message.body.reserve(
          static_cast<std::size_t>(header.body_size));
    }
    stage_ = Stage::kBody;
    return absl::OkStatus();
  }

  absl::Status Add(const frame::Body& body) {
    if (stage_ != Stage::kBody) return OutOfTurn("a body");
    if (body.bytes.size() > missing_) {
      return absl::InternalError(
          absl::StrCat("the broker sent a body frame of ", body.bytes.size(),
                       " bytes where ", missing_, " were left of the message"));
    }
    missing_ -= body.bytes.size();
    if (!delivery_.body_too_large) {
      delivery_.message.body.append(body.bytes.data(), body.bytes.size());
    }
    return absl::OkStatus();
  }

  // Once complete(), by is_return(). The delivery is valid until the next
  // message is begun.
  Delivery&& TakeDelivery() {
    stage_ = Stage::kIdle;
    return std::move(delivery_);
  }
  Return TakeReturn() {
    stage_ = Stage::kIdle;
    return {std::move(delivery_.message), return_code_,
            std::move(return_text_)};
  }

 private:
  enum class Stage { kIdle, kHeader, kBody };

  void Reset(TimePoint now) {
    stage_ = Stage::kHeader;
    begun_ = now;
  }

  absl::Status OutOfTurn(const char* what) const {
    static constexpr const char* kExpected[] = {"no message was begun",
                                                "a content header was due",
                                                "a body frame was due"};
    return absl::InternalError(
        absl::StrCat("the broker sent ", what,
                     " out of turn: ", kExpected[static_cast<int>(stage_)]));
  }

  const std::size_t body_limit_;
  Stage stage_ = Stage::kIdle;
  TimePoint begun_;
  bool is_return_ = false;
  std::uint64_t missing_ = 0;  // bytes of the body
  Delivery delivery_;
  std::uint16_t return_code_ = 0;
  std::string return_text_;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_ASSEMBLY_H_
