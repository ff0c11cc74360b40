#include "rpc/transport/rabbitmq_in_sequence.h"

#include <string>

#include "gtest/gtest.h"

namespace rpc::rabbitmq {
namespace {

TEST(RabbitMqInSequence, GivesToEachNumberWhatWasAddedForIt) {
  InSequence<std::string> waiting;
  waiting.Begin();
  waiting.Add("one");
  waiting.Add("two");
  waiting.Add("three");
  EXPECT_EQ(waiting.Take(2), "two");
  EXPECT_EQ(waiting.Take(1), "one");
  EXPECT_EQ(waiting.size(), 1u);
  EXPECT_FALSE(waiting.empty());
  waiting.Add("four");
  EXPECT_EQ(waiting.Take(4), "four");
  EXPECT_EQ(waiting.Take(3), "three");
  EXPECT_TRUE(waiting.empty());
}

TEST(RabbitMqInSequence, BeginsWithOneAgainOnEachChannel) {
  InSequence<int> waiting;
  waiting.Begin();
  waiting.Add(7);
  waiting.Add(8);
  waiting.Take(1);
  waiting.Begin();
  EXPECT_TRUE(waiting.empty());
  waiting.Add(9);
  EXPECT_EQ(waiting.Take(1), 9);
}

}  // namespace
}  // namespace rpc::rabbitmq
