#ifndef TESTS_AMQP_TEST_BROKER_H_
#define TESTS_AMQP_TEST_BROKER_H_

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "rpc/amqp/url.h"

namespace rpc::amqp {

// The broker that the tests may use, from the environment variable
// RPC_TEST_BROKER_URL. Fails the test if there is none: a broker test that did
// not run proves nothing.
inline Address TestBroker() {
  const char* url = std::getenv("RPC_TEST_BROKER_URL");
  if (url == nullptr) {
    ADD_FAILURE() << "RPC_TEST_BROKER_URL is not set; point it at a RabbitMQ "
                     "broker, for example amqp://guest:guest@127.0.0.1:5673/";
    std::abort();
  }
  const absl::StatusOr<Address> address = ParseUrl(url);
  if (!address.ok()) {
    ADD_FAILURE() << "RPC_TEST_BROKER_URL: " << address.status();
    std::abort();
  }
  return *address;
}

}  // namespace rpc::amqp

#endif  // TESTS_AMQP_TEST_BROKER_H_
