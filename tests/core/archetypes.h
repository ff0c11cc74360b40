#ifndef RPC_TESTS_CORE_ARCHETYPES_H_
#define RPC_TESTS_CORE_ARCHETYPES_H_

#include <concepts>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc/base/bytes.h"
#include "rpc/base/outcome.h"
#include "rpc/message/method.h"
#include "rpc/message/server_context.h"

// The least types that keep the contracts of serializers and handlers: an
// endpoint that works with them asks for no more. None can be copied, compared
// or made from nothing.
namespace rpc::archetypes {

// A value that only moves.
class Parcel {
 public:
  explicit Parcel(std::string content) : content_(std::move(content)) {}
  Parcel(Parcel&&) = default;
  Parcel& operator=(Parcel&&) = delete;

  const std::string& content() const { return content_; }

 private:
  std::string content_;
};

// What a policy is made with that has no default.
struct Made {};

// Encodes and decodes Parcels and nothing else; refuses the empty body.
class LeastSerializer {
 public:
  static constexpr const char* kContentType = "text/x-parcel";

  explicit LeastSerializer(Made) {}
  LeastSerializer(LeastSerializer&&) = default;
  LeastSerializer& operator=(LeastSerializer&&) = delete;

  void Encode(const Parcel& parcel, Bytes& body) const {
    body.append(parcel.content().data(), parcel.content().size());
  }
  template <std::same_as<Parcel>>
  Outcome<Parcel> Decode(std::string_view body) const {
    if (body.empty()) return Refusal(absl::StatusCode::kInvalidArgument);
    return Parcel(std::string(body));
  }
};

// The same with statuses instead, which may fail both ways.
class LeastStatusSerializer {
 public:
  static constexpr const char* kContentType = "text/x-parcel";

  explicit LeastStatusSerializer(Made) {}
  LeastStatusSerializer(LeastStatusSerializer&&) = default;
  LeastStatusSerializer& operator=(LeastStatusSerializer&&) = delete;

  absl::Status Encode(const Parcel& parcel, Bytes& body) const {
    if (parcel.content().empty()) return absl::InvalidArgumentError("empty");
    body.append(parcel.content().data(), parcel.content().size());
    return absl::OkStatus();
  }
  template <std::same_as<Parcel>>
  absl::StatusOr<Parcel> Decode(std::string_view body) const {
    if (body.empty()) return absl::InvalidArgumentError("empty");
    return Parcel(std::string(body));
  }
};

// What the handlers below have in common: they only move.
class LeastHandler {
 public:
  explicit LeastHandler(Made) {}
  LeastHandler(LeastHandler&&) = default;
  LeastHandler& operator=(LeastHandler&&) = delete;
};

// Value to value, taking its argument over.
class PassOn : public LeastHandler {
 public:
  using Method = rpc::Method<"pass_on", Parcel(Parcel)>;
  using LeastHandler::LeastHandler;
  Parcel operator()(Parcel parcel) const { return parcel; }
};

// With the context, and an absl::StatusOr.
class PassOnInContext : public LeastHandler {
 public:
  using Method = rpc::Method<"pass_on_in_context", Parcel(Parcel)>;
  using LeastHandler::LeastHandler;
  absl::StatusOr<Parcel> operator()(const ServerContext& context,
                                    Parcel parcel) const {
    return Parcel(std::string(context.method) + " " + parcel.content());
  }
};

// No argument, and an Outcome.
class Give : public LeastHandler {
 public:
  using Method = rpc::Method<"give", Parcel()>;
  using LeastHandler::LeastHandler;
  Outcome<Parcel> operator()() const { return Parcel("given"); }
};

// No result, but a status: refuses the parcel "bad".
class Swallow : public LeastHandler {
 public:
  using Method = rpc::Method<"swallow", void(Parcel)>;
  using LeastHandler::LeastHandler;
  absl::Status operator()(const Parcel& parcel) const {
    if (parcel.content() == "bad") return absl::AbortedError("bad");
    return absl::OkStatus();
  }
};

// Nothing to nothing.
class Touch : public LeastHandler {
 public:
  using Method = rpc::Method<"touch", void()>;
  using LeastHandler::LeastHandler;
  void operator()() const {}
};

// Nothing to nothing, with the context.
class TouchInContext : public LeastHandler {
 public:
  using Method = rpc::Method<"touch_in_context", void()>;
  using LeastHandler::LeastHandler;
  void operator()(const ServerContext&) const {}
};

}  // namespace rpc::archetypes

#endif  // RPC_TESTS_CORE_ARCHETYPES_H_
