#include "tests/support/broker.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "tests/support/private_broker.h"

namespace rpc::testing {
namespace {

std::unique_ptr<PrivateBroker> StartOrExit() {
  auto broker = PrivateBroker::Start();
  if (!broker.ok()) {
    std::fprintf(stderr, "%s\n",
                 std::string(broker.status().message()).c_str());
    std::exit(EXIT_FAILURE);
  }
  return *std::move(broker);
}

}  // namespace

std::string BrokerUrl() {
  const char* given = std::getenv("RPC_TEST_BROKER_URL");
  if (given != nullptr && *given != '\0') return given;
  static const std::unique_ptr<PrivateBroker> own = StartOrExit();
  return own->url();
}

}  // namespace rpc::testing
