#include <memory>

#include "rpc/rpc.h"
#include "square.h"

int main() {
  const rpc::MemoryTransport::Options options = {
      .broker = std::make_shared<rpc::MemoryBroker>()};
  return consumer::CallsAndServes<rpc::MemoryTransport>(options, options) ? 0
                                                                          : 1;
}
