#ifndef RPC_CORE_DISPATCHER_H_
#define RPC_CORE_DISPATCHER_H_

#include <exception>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "rpc/base/bytes.h"
#include "rpc/base/status.h"
#include "rpc/core/codec.h"
#include "rpc/handler/handler_policy.h"
#include "rpc/message/method.h"
#include "rpc/message/server_context.h"

namespace rpc::core {

// Who handles method M: the handler itself, or one of a service's.
template <typename Handler, typename M>
struct HandlerFor {
  using Type = Handler;
};
template <NamesMethods Handler, typename M>
struct HandlerFor<Handler, M> {
  using Type = std::remove_cvref_t<
      decltype(std::declval<const Handler&>().template HandlerOf<M>())>;
};

// Finds the method that a request names, and runs it. Borrows its policies.
// Thread-safe as they are.
template <typename Serializer, typename Handler>
class Dispatcher {
 public:
  Dispatcher(const Serializer* serializer, const Handler* handler)
      : serializer_(serializer), handler_(handler) {}

  // Appends the result to `reply`, or says why there is none; what does not
  // come from the handler itself is NotRun(). An empty `method` is the only
  // one. Never throws.
  absl::Status Dispatch(const ServerContext& context, std::string_view method,
                        std::string_view body, Bytes& reply) const {
    try {
      return DispatchTo(MethodsOf<Handler>(), context, method, body, reply);
    } catch (const std::exception& e) {
      return absl::UnknownError(std::string("the handler threw: ") + e.what());
    } catch (...) {
      return absl::UnknownError("the handler threw");
    }
  }

  // INVALID_ARGUMENT for a body that is declared to be of another type than the
  // serializer's; parameters after a semicolon are not looked at.
  static absl::Status CheckContentType(std::string_view content_type) {
    std::string_view type = content_type.substr(0, content_type.find(';'));
    while (type.ends_with(' ')) type.remove_suffix(1);
    if (type.empty() || absl::EqualsIgnoreCase(
                            ToAbsl(type), ToAbsl(Serializer::kContentType))) {
      return absl::OkStatus();
    }
    return NotRun(absl::InvalidArgumentError(
        "content type \"" + std::string(type.substr(0, 100)) +
        "\"; this server reads " + std::string(Serializer::kContentType)));
  }

  // One of the handlers asks for the context.
  static constexpr bool SeesContexts() {
    return []<typename... Methods>(TypeList<Methods...>) {
      return (
          TakesContext<typename HandlerFor<Handler, Methods>::Type, Methods> ||
          ...);
    }(MethodsOf<Handler>());
  }

 private:
  template <typename... Methods>
  absl::Status DispatchTo(TypeList<Methods...>, const ServerContext& context,
                          std::string_view method, std::string_view body,
                          Bytes& reply) const {
    absl::Status status;
    const auto run_if_named = [&]<typename M>(TypeList<M>) {
      if (method != M::kName && !(method.empty() && sizeof...(Methods) == 1)) {
        return false;
      }
      status = Run<M>(context, body, reply);
      return true;
    };
    if ((run_if_named(TypeList<Methods>()) || ...)) return status;
    return NotRun(
        absl::UnimplementedError(UnknownMethod(method, {Methods::kName...})));
  }

  template <typename M>
  absl::Status Run(const ServerContext& context, std::string_view body,
                   Bytes& reply) const {
    absl::Status status;
    HandleBody<M>(*serializer_, HandlerOf<M>(), &context, body, reply,
                  [&](Stage stage, const auto& failure) {
                    status = Explain(stage, ToStatus(failure));
                  });
    return status;
  }

  template <typename M>
  const typename HandlerFor<Handler, M>::Type& HandlerOf() const {
    if constexpr (NamesMethods<Handler>) {
      return handler_->template HandlerOf<M>();
    } else {
      return *handler_;
    }
  }

  static const absl::Status& ToStatus(const absl::Status& status) {
    return status;
  }
  template <typename Failed>
  static absl::Status ToStatus(const Failed& outcome) {
    return outcome.status();
  }

  ABSL_ATTRIBUTE_COLD static absl::Status Explain(Stage stage,
                                                  const absl::Status& status) {
    switch (stage) {
      case Stage::kDecodeArguments:
        return NotRun(Annotate(status, "arguments"));
      case Stage::kEncodeResult:
        return Annotate(absl::InternalError(status.message()),
                        "encoding the result");
      case Stage::kHandle:
        break;
    }
    // A handler may pass on what a call of its own ended with: that one may not
    // have run, but this one has.
    return WithoutNotRun(status);
  }

  static std::string UnknownMethod(
      std::string_view method, std::initializer_list<std::string_view> known) {
    std::string text =
        method.empty()
            ? "the request names no method"
            : "no method \"" + std::string(method.substr(0, 128)) + "\"";
    text += "; this server has";
    for (const std::string_view name : known) {
      text.append(text.ends_with("has") ? " " : ", ").append(name);
    }
    return text;
  }

  const Serializer* serializer_;
  const Handler* handler_;
};

}  // namespace rpc::core

#endif  // RPC_CORE_DISPATCHER_H_
