// message: Service: name at least one handler; see rpc/handler/service.h.
#include "rpc/handler/service.h"
#include "tests/core/archetypes.h"

namespace rpc::archetypes {

using Handlers = Service<>;
static_assert(sizeof(Handlers) > 0);

}  // namespace rpc::archetypes
