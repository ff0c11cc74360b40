#ifndef RPC_CORE_POLICY_CHECKS_H_
#define RPC_CORE_POLICY_CHECKS_H_

#include <memory>
#include <string_view>
#include <type_traits>

#include "rpc/core/codec.h"
#include "rpc/core/endpoint_options.h"
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
  // A service answers for its handlers itself.
  static constexpr bool kHandlesAll =
      NamesMethods<Handler> || (Handles<Handler, Ms> && ...);
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
           (kIsMethod<Handler> ? !SameThread<Transport> : Checks::kHandlesAll);
  } else {
    return false;
  }
}();

// Stands in for the inside of an endpoint that the door has refused, so that
// the compiler says that and nothing else.
struct Refused {};

template <bool kIsValid, typename Transport, typename Serializer,
          typename Handler>
struct Inside {
  using Core = Refused;
  using Options = Refused;
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

template <typename Methods>
struct FirstMethod {
  using Type = Method<"none", void()>;
};
template <typename M, typename... Ms>
struct FirstMethod<TypeList<M, Ms...>> {
  using Type = M;
};

}  // namespace rpc::core

#endif  // RPC_CORE_POLICY_CHECKS_H_
