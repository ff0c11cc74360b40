// message: Service: two handlers have a method of the same name, and a request
// message: could be for either; give each method a name of its own; see
// message: rpc/handler/service.h.
#include "rpc/handler/service.h"
#include "tests/core/archetypes.h"

namespace rpc::archetypes {

using Touched = Method<"touch", Parcel()>;
using Handlers = Service<Touch, Touched>;
static_assert(sizeof(Handlers) > 0);

}  // namespace rpc::archetypes
