#ifndef RPC_CORE_POLICY_CHECKS_H_
#define RPC_CORE_POLICY_CHECKS_H_

#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc/core/call_result.h"
#include "rpc/core/codec.h"
#include "rpc/core/dispatcher.h"
#include "rpc/core/endpoint_options.h"
#include "rpc/core/future.h"
#include "rpc/core/local.h"
#include "rpc/core/remote.h"
#include "rpc/handler/handler_policy.h"
#include "rpc/message/method.h"
#include "rpc/serializer/serializer_policy.h"
#include "rpc/transport/transport_policy.h"

// What the endpoint's door asks of its policies, as plain constants: the door
// turns each into a sentence.
namespace rpc::core {

template <typename S, typename T>
inline constexpr bool kEncodes = std::is_same_v<T, Empty> || Encodes<S, T>;
template <typename S, typename T>
inline constexpr bool kDecodes = std::is_same_v<T, Empty> || Decodes<S, T>;

// The client's half of M: a Method, which has no body.
template <typename Handler, typename M>
inline constexpr bool kIsClientOf =
    kIsMethod<typename HandlerFor<Handler, M>::Type>;
template <typename Handler, typename M>
inline constexpr bool kHandles =
    kIsClientOf<Handler, M> ||
    Handles<typename HandlerFor<Handler, M>::Type, M>;

template <typename Serializer, typename Handler, typename Methods>
struct MethodChecks;
template <typename Serializer, typename Handler, typename... Ms>
struct MethodChecks<Serializer, Handler, TypeList<Ms...>> {
  static constexpr bool kEncodesArguments =
      (kEncodes<Serializer, ArgumentBody<Ms>> && ...);
  static constexpr bool kDecodesArguments =
      (kDecodes<Serializer, ArgumentBody<Ms>> && ...);
  static constexpr bool kEncodesResults =
      (kEncodes<Serializer, typename Ms::Result> && ...);
  static constexpr bool kDecodesResults =
      (kDecodes<Serializer, typename Ms::Result> && ...);
  static constexpr bool kHandlesAll = (kHandles<Handler, Ms> && ...);
  // There is no client's half among them.
  static constexpr bool kHasBodies = (!kIsClientOf<Handler, Ms> && ...);
};

template <typename Transport>
inline constexpr bool kCarries =
    SameThread<Transport> ? Exchanges<Transport>
                          : CarriesCalls<Transport>&& Serves<Transport>;

template <typename Transport, typename Serializer, typename Handler>
inline constexpr bool kValid = [] {
  if constexpr (HasTransportTraits<Transport> && HasOptions<Transport> &&
                HasContentType<Serializer> && HandlesMethods<Handler>) {
    using Checks = MethodChecks<Serializer, Handler, MethodsOf<Handler>>;
    return OpensAndDescribes<Transport> && kCarries<Transport> &&
           Checks::kEncodesArguments && Checks::kDecodesArguments &&
           Checks::kEncodesResults && Checks::kDecodesResults &&
           Checks::kHandlesAll &&
           (Checks::kHasBodies || !SameThread<Transport>);
  } else {
    return false;
  }
}();

// Stands in for what the door has refused, so that the compiler says that and
// nothing else. Never built.
struct Refused {
  using Calls = Refused;
  Refused& calls() { return *this; }

  template <typename... Args>
  static absl::StatusOr<Refused> Open(Args&&...) {
    return absl::UnimplementedError("");
  }
  template <typename M = Method<"refused", void()>, typename... Args>
  CallResult<M> Call(Args&&...) {
    return absl::UnimplementedError("");
  }
  template <typename M = Method<"refused", void()>, typename... Args>
  void CallAsync(Args&&...) {}
  template <typename M = Method<"refused", void()>, typename... Args>
  Future<M> CallFuture(Args&&...) {
    return Future<M>(CallResult<M>(absl::UnimplementedError("")));
  }
  template <typename M = Method<"refused", void()>, typename... Args>
  Refused CallAwaitable(Args&&...) {
    return {};
  }
  template <typename M = Method<"refused", void()>, typename... Args>
  std::vector<CallResult<M>> CallBatch(Args&&...) {
    return {};
  }
  template <typename... Args>
  absl::Status Serve(Args&&...) {
    return absl::UnimplementedError("");
  }
  ServerCounters server_counters() const { return {}; }
  CallCounters call_counters() const { return {}; }
  Refused& transport() const {
    static Refused refused;
    return refused;
  }

  Refused& operator*() { return *this; }
};

template <typename Transport>
struct OptionsOf {
  using Type = Refused;
};
template <HasOptions Transport>
struct OptionsOf<Transport> {
  using Type = EndpointOptions<Transport>;
};

template <bool kIsValid, typename Transport, typename Serializer,
          typename Handler>
struct Inside {
  using Core = Refused;
  using Options = typename OptionsOf<Transport>::Type;
  using Holder = Refused;
};
template <typename Transport, typename Serializer, typename Handler>
struct Inside<true, Transport, Serializer, Handler> {
  using Core = std::conditional_t<SameThread<Transport>,
                                  Local<Transport, Serializer, Handler>,
                                  Remote<Transport, Serializer, Handler>>;
  using Options = EndpointOptions<Transport>;
  // A remote inside has a fixed address: threads know it.
  using Holder =
      std::conditional_t<SameThread<Transport>, Core, std::unique_ptr<Core>>;
};

// The method called `kName` in a list, void if there is none; with an empty
// name the only one.
template <typename Methods>
struct FindMethod {
  template <FixedString kName>
  using Type = void;
};
template <typename M, typename... Ms>
struct FindMethod<TypeList<M, Ms...>> {
  template <FixedString kName>
  using Type = typename std::conditional_t<
      M::kName == kName.view(), std::type_identity<M>,
      std::type_identity<
          typename FindMethod<TypeList<Ms...>>::template Type<kName>>>::type;
};

}  // namespace rpc::core

#endif  // RPC_CORE_POLICY_CHECKS_H_
