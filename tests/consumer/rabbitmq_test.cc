#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

#include "rpc/transport/rabbitmq_transport.h"
#include "square.h"

int main() {
  const char* url = std::getenv("RPC_TEST_BROKER_URL");
  if (url == nullptr) {
    std::cerr << "RPC_TEST_BROKER_URL is not set; tests/run sets it\n";
    return 1;
  }
  rpc::RabbitMqTransport::Options options;
  options.url = url;
  options.topology =
      rpc::TutorialQueue("consumer." + std::to_string(std::random_device()()));
  return consumer::CallsAndServes<rpc::RabbitMqTransport>(options, options) ? 0
                                                                            : 1;
}
