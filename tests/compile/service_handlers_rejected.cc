// message: Service: each handler must name one method, `using Method =
// message: rpc::Method<
// message: name
// message: , Result(Args...)>;`; see rpc/handler/handler_policy.h.
#include "rpc/handler/service.h"
#include "tests/core/archetypes.h"

namespace rpc::archetypes {

using Handlers = Service<Give, Parcel>;
static_assert(sizeof(Handlers) > 0);

}  // namespace rpc::archetypes
