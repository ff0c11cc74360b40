#include "rpc/handler/service.h"
#include "tests/core/archetypes.h"

namespace rpc::archetypes {

using Handlers = Service<Give, Touch>;
static_assert(sizeof(Handlers) > 0);

}  // namespace rpc::archetypes
