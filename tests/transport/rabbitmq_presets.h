#ifndef RPC_TESTS_TRANSPORT_RABBITMQ_PRESETS_H_
#define RPC_TESTS_TRANSPORT_RABBITMQ_PRESETS_H_

#include <ostream>
#include <string>

#include "gtest/gtest.h"
#include "rpc/transport/rabbitmq_topology.h"
#include "tests/support/broker.h"
#include "tests/transport/rabbitmq_plain_client.h"

namespace rpc::testing {

// A preset of the topology, for tests that go through all of them.
struct Preset {
  std::string name;
  // With a queue called `queue`; where the preset is passive, that one is made.
  RabbitMqTopology (*make)(const std::string& queue);

  friend std::ostream& operator<<(std::ostream& out, const Preset& preset) {
    return out << preset.name;
  }
};

inline auto AllPresets() {
  return ::testing::Values(
      Preset{"tutorial",
             [](const std::string& queue) { return TutorialQueue(queue); }},
      Preset{"reference",
             [](const std::string& queue) {
               return ReferenceTopology(queue, queue + ".exchange");
             }},
      Preset{"quorum",
             [](const std::string& queue) { return QuorumQueue(queue); }},
      Preset{"passive", [](const std::string& queue) {
               PlainClient(BrokerUrl()).DeclareQueue(queue);
               return PassiveQueue(queue);
             }});
}

inline std::string NameOf(const ::testing::TestParamInfo<Preset>& tested) {
  return tested.param.name;
}

}  // namespace rpc::testing

#endif  // RPC_TESTS_TRANSPORT_RABBITMQ_PRESETS_H_
