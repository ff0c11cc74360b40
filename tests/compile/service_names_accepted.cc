#include "rpc/handler/service.h"
#include "tests/core/archetypes.h"

namespace rpc::archetypes {

using Touched = Method<"touched", Parcel()>;
using Handlers = Service<Touch, Touched>;
static_assert(sizeof(Handlers) > 0);

}  // namespace rpc::archetypes
