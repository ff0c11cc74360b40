// message: Service: no handler has this method; see rpc/handler/service.h.
#include "rpc/handler/service.h"
#include "tests/core/archetypes.h"

namespace rpc::archetypes {

const Touch& Find(const Service<Touch>& service) {
  return service.HandlerOf<Give::Method>();
}

}  // namespace rpc::archetypes
