#include "rpc/handler/service.h"
#include "tests/core/archetypes.h"

namespace rpc::archetypes {

const Touch& Find(const Service<Touch>& service) {
  return service.HandlerOf<Touch::Method>();
}

}  // namespace rpc::archetypes
