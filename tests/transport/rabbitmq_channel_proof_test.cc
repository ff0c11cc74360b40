#include "rpc/transport/rabbitmq_channel_proof.h"

#include <chrono>

#include "gtest/gtest.h"
#include "rpc/base/deadline.h"

namespace rpc::rabbitmq {
namespace {

using std::chrono::seconds;

constexpr TimePoint kNow(std::chrono::hours(1));

TEST(RabbitMqChannelProof, ChannelWithoutConfirmsIsNeverDoubted) {
  ChannelProof proof;
  proof.Begin(false);
  proof.Published(kNow);
  proof.Refused();
  EXPECT_FALSE(proof.is_refused());
  EXPECT_EQ(proof.doubted_at(), kNever);
}

TEST(RabbitMqChannelProof, SilenceAfterTheFirstPublishIsDoubtful) {
  ChannelProof proof;
  proof.Begin(true);
  EXPECT_EQ(proof.doubted_at(), kNever);
  proof.Published(kNow);
  proof.Published(kNow + seconds(1));
  EXPECT_EQ(proof.doubted_at(), kNow + seconds(2));
  proof.Wait(kNow + seconds(2));
  EXPECT_EQ(proof.doubted_at(), kNow + seconds(4));
}

TEST(RabbitMqChannelProof, RefusalIsDoubtfulUnlessSomethingWasConfirmed) {
  ChannelProof proof;
  proof.Begin(true);
  proof.Published(kNow);
  proof.Refused();
  EXPECT_TRUE(proof.is_refused());
  EXPECT_EQ(proof.doubted_at(), kNow + seconds(2));
  proof.Heard(false, kNow);
  EXPECT_FALSE(proof.is_refused());
  proof.Published(kNow + seconds(1));
  proof.Refused();
  EXPECT_FALSE(proof.is_refused());
}

TEST(RabbitMqChannelProof,
     SilenceIsDoubtfulUntilPublishesWereConfirmedForLong) {
  ChannelProof proof;
  proof.Begin(true);
  proof.Published(kNow);
  proof.Published(kNow + seconds(1));
  EXPECT_EQ(proof.doubted_at(), kNow + seconds(2));
  proof.Heard(true, kNow + seconds(1));
  EXPECT_EQ(proof.doubted_at(), kNow + seconds(6));
  proof.Heard(false, kNow + seconds(2));
  EXPECT_EQ(proof.doubted_at(), kNever);
  proof.Published(kNow + seconds(9));
  EXPECT_EQ(proof.doubted_at(), kNow + seconds(14));
  proof.Heard(true, kNow + seconds(11));
  EXPECT_EQ(proof.doubted_at(), kNever);
  proof.Published(kNow + seconds(12));
  EXPECT_EQ(proof.doubted_at(), kNever);
}

TEST(RabbitMqChannelProof, AckOfAReturnProvesNothing) {
  ChannelProof proof;
  proof.Begin(true);
  proof.Published(kNow);
  proof.Returned();
  proof.Acked(true, kNow + seconds(1));
  EXPECT_EQ(proof.doubted_at(), kNow + seconds(3));
  proof.Returned();
  proof.Acked(false, kNow + seconds(2));
  EXPECT_EQ(proof.doubted_at(), kNever);
  proof.Published(kNow + seconds(3));
  EXPECT_EQ(proof.doubted_at(), kNow + seconds(5));
}

TEST(RabbitMqChannelProof, AckThatNoReturnAccountsForIsAProof) {
  ChannelProof proof;
  proof.Begin(true);
  proof.Returned();
  proof.Begin(true);
  proof.Published(kNow);
  proof.Returned();
  proof.Acked(true, kNow);
  proof.Refused();
  EXPECT_TRUE(proof.is_refused());
  proof.Acked(false, kNow);
  EXPECT_EQ(proof.doubted_at(), kNever);
  proof.Refused();
  EXPECT_FALSE(proof.is_refused());
}

TEST(RabbitMqChannelProof, TakesOnlyAFewUntilOneIsConfirmed) {
  ChannelProof proof;
  proof.Begin(true);
  EXPECT_TRUE(proof.Takes(31));
  EXPECT_FALSE(proof.Takes(32));
  proof.Heard(true, kNow);
  EXPECT_TRUE(proof.Takes(199));
  EXPECT_FALSE(proof.Takes(200));
  proof.Heard(true, kNow + seconds(10));
  EXPECT_TRUE(proof.Takes(200));
}

TEST(RabbitMqChannelProof, ChannelWithoutConfirmsTakesEverything) {
  ChannelProof proof;
  proof.Begin(false);
  EXPECT_TRUE(proof.Takes(200));
}

TEST(RabbitMqChannelProof, ChannelsLeftInARowGiveTheNextMoreTime) {
  ChannelProof proof;
  for (const int patience : {2, 2, 2, 2, 2, 4, 8, 16, 16}) {
    proof.Begin(true);
    proof.Published(kNow);
    EXPECT_EQ(proof.doubted_at(), kNow + seconds(patience));
    proof.Leave();
    EXPECT_EQ(proof.doubted_at(), kNever);
  }
  proof.Begin(true);
  proof.Heard(false, kNow);
  for (int channel = 1; channel <= 5; ++channel) {
    proof.Begin(true);
    proof.Published(kNow);
    EXPECT_EQ(proof.doubted_at(), kNow + seconds(2));
    proof.Leave();
  }
}

}  // namespace
}  // namespace rpc::rabbitmq
