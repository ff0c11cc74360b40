#ifndef RPC_TESTS_LAWS_TRANSPORT_LAWS_H_
#define RPC_TESTS_LAWS_TRANSPORT_LAWS_H_

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "rpc/transport/transport_policy.h"
#include "tests/laws/common_transport_laws.h"
#include "tests/laws/same_thread_laws.h"
#include "tests/laws/tagged_transport_laws.h"
#include "tests/laws/transport_world.h"

// The laws of rpc/transport/transport_policy.h as a suite for any transport:
//
//   namespace rpc::laws {
//   struct MemoryWorld : TransportWorld<MemoryTransport> {
//     MemoryWorld() {
//       client.broker = server.broker = std::make_shared<MemoryBroker>();
//     }
//   };
//   INSTANTIATE_TYPED_TEST_SUITE_P(Memory, TransportLaws, MemoryWorld);
//   }  // namespace rpc::laws
//
// or, where default options let two transports meet (in a fresh place each
// time: no queue may be there, or hold anything), in one line:
//
//   INSTANTIATE_TYPED_TEST_SUITE_P(Direct, TransportLaws,
//                                  TransportWorld<DirectTransport>);
//
// A world is made anew for each law. It may add `KillServer`, if a server is
// to die in another way than that its transport is destroyed:
//
//   void KillServer(std::unique_ptr<Transport> server);
//
// and `static constexpr absl::Duration kPatience`, how long a law waits for
// what has to come; 20 s by default.
//
// Each law is a function as well, which answers FAILED_PRECONDITION with the
// law's name and how it was broken.
namespace rpc::laws {

template <typename World>
class TransportLaws : public ::testing::Test {
 protected:
  static constexpr TransportTraits kTraits = World::Transport::kTraits;
  static constexpr bool kTwoHalves = !kTraits.same_thread;

  template <bool kApplies, typename Law>
  void Check(Law law) {
    if constexpr (kApplies) {
      World world;
      const absl::Status status = law(world);
      EXPECT_TRUE(status.ok()) << status.ToString();
    } else {
      SUCCEED() << "a transport of these traits does not promise this";
    }
  }
};

TYPED_TEST_SUITE_P(TransportLaws);

TYPED_TEST_P(TransportLaws, EndsOnce) {
  this->template Check<true>([](auto& world) {
    if constexpr (TestFixture::kTwoHalves) return laws::EndsOnce(world);
    if constexpr (!TestFixture::kTwoHalves) return ExchangeEndsOnce(world);
  });
}
TYPED_TEST_P(TransportLaws, Carries) {
  this->template Check<true>([](auto& world) {
    if constexpr (TestFixture::kTwoHalves) return laws::Carries(world);
    if constexpr (!TestFixture::kTwoHalves) return ExchangeCarries(world);
  });
}
TYPED_TEST_P(TransportLaws, ClaimsFirst) {
  this->template Check<TestFixture::kTwoHalves>(
      [](auto& world) { return laws::ClaimsFirst(world); });
}
TYPED_TEST_P(TransportLaws, SettlesOnce) {
  this->template Check<TestFixture::kTwoHalves>(
      [](auto& world) { return laws::SettlesOnce(world); });
}
TYPED_TEST_P(TransportLaws, DropAnswers) {
  this->template Check<TestFixture::kTwoHalves>(
      [](auto& world) { return laws::DropAnswers(world); });
}
TYPED_TEST_P(TransportLaws, StopsClean) {
  this->template Check<TestFixture::kTwoHalves>(
      [](auto& world) { return laws::StopsClean(world); });
}
TYPED_TEST_P(TransportLaws, WakesInTime) {
  this->template Check<TestFixture::kTwoHalves>(
      [](auto& world) { return laws::WakesInTime(world); });
}
TYPED_TEST_P(TransportLaws, Redelivers) {
  this->template Check<TestFixture::kTraits.redelivers>(
      [](auto& world) { return laws::Redelivers(world); });
}
TYPED_TEST_P(TransportLaws, Expires) {
  this->template Check<TestFixture::kTraits.expires>(
      [](auto& world) { return laws::Expires(world); });
}
TYPED_TEST_P(TransportLaws, Returns) {
  this->template Check<TestFixture::kTraits.returns>(
      [](auto& world) { return laws::Returns(world); });
}
TYPED_TEST_P(TransportLaws, Concurrent) {
  this->template Check<TestFixture::kTraits.concurrent>(
      [](auto& world) { return laws::Concurrent(world); });
}

REGISTER_TYPED_TEST_SUITE_P(TransportLaws, EndsOnce, Carries, ClaimsFirst,
                            SettlesOnce, DropAnswers, StopsClean, WakesInTime,
                            Redelivers, Expires, Returns, Concurrent);

}  // namespace rpc::laws

#endif  // RPC_TESTS_LAWS_TRANSPORT_LAWS_H_
