#include "rpc/transport/rabbitmq_topology.h"

#include <cstdint>
#include <string>

#include "gtest/gtest.h"
#include "rpc/amqp/message.h"

namespace rpc {
namespace {

const amqp::HeaderValue* Argument(const amqp::Queue& queue,
                                  const std::string& name) {
  for (const amqp::Header& argument : queue.arguments) {
    if (argument.name == name) return &argument.value;
  }
  return nullptr;
}

TEST(TutorialQueue, IsADurableQueueBehindTheDefaultExchange) {
  const RabbitMqTopology topology = TutorialQueue("q");
  EXPECT_EQ(topology.queue, "q");
  EXPECT_EQ(topology.exchange, "");
  EXPECT_EQ(topology.routing_key, "q");
  EXPECT_EQ(topology.delivery_mode, DeliveryMode::kTransient);
  EXPECT_EQ(topology.prefetch, 0);
  EXPECT_EQ(topology.delivery_limit, 0);
  EXPECT_TRUE(topology.declared.exchanges.empty());
  EXPECT_TRUE(topology.declared.bindings.empty());
  ASSERT_EQ(topology.declared.queues.size(), 1u);
  const amqp::Queue& queue = topology.declared.queues.front();
  EXPECT_EQ(queue.name, "q");
  EXPECT_TRUE(queue.durable);
  EXPECT_FALSE(queue.exclusive);
  EXPECT_FALSE(queue.auto_delete);
  EXPECT_TRUE(queue.arguments.empty());
  EXPECT_EQ(queue.declare, amqp::Declare::kActive);
}

TEST(ReferenceTopology, IsTheReferenceServers) {
  const RabbitMqTopology topology = ReferenceTopology();
  EXPECT_EQ(topology.queue, "task_queue");
  EXPECT_EQ(topology.exchange, "logs_rpc");
  EXPECT_EQ(topology.delivery_mode, DeliveryMode::kPersistent);
  EXPECT_EQ(topology.prefetch, 1);
  ASSERT_EQ(topology.declared.exchanges.size(), 1u);
  EXPECT_EQ(topology.declared.exchanges[0].name, "logs_rpc");
  EXPECT_EQ(topology.declared.exchanges[0].type, "topic");
  EXPECT_TRUE(topology.declared.exchanges[0].durable);
  ASSERT_EQ(topology.declared.queues.size(), 1u);
  EXPECT_EQ(topology.declared.queues[0].name, "task_queue");
  EXPECT_TRUE(topology.declared.queues[0].durable);
  ASSERT_EQ(topology.declared.bindings.size(), 1u);
  EXPECT_EQ(topology.declared.bindings[0].exchange, "logs_rpc");
  EXPECT_EQ(topology.declared.bindings[0].queue, "task_queue");
  EXPECT_EQ(topology.declared.bindings[0].routing_key, "#");
}

TEST(QuorumQueue, GivesUpAfterItsLimitToABoundedQueue) {
  const RabbitMqTopology topology = QuorumQueue("q", 5);
  EXPECT_EQ(topology.delivery_limit, 5);
  EXPECT_EQ(topology.confirms, amqp::Confirms::kOn);
  ASSERT_EQ(topology.declared.queues.size(), 2u);
  const amqp::Queue& queue = topology.declared.queues[0];
  EXPECT_EQ(queue.name, "q");
  EXPECT_EQ(*Argument(queue, "x-queue-type"),
            amqp::HeaderValue(std::string("quorum")));
  EXPECT_EQ(*Argument(queue, "x-delivery-limit"),
            amqp::HeaderValue(std::int64_t{5}));
  EXPECT_EQ(*Argument(queue, "x-dead-letter-exchange"),
            amqp::HeaderValue(std::string("q.dead")));
  ASSERT_EQ(topology.declared.exchanges.size(), 1u);
  EXPECT_EQ(topology.declared.exchanges[0].name, "q.dead");
  EXPECT_EQ(topology.declared.exchanges[0].type, "headers");
  const amqp::Queue& dead = topology.declared.queues[1];
  EXPECT_EQ(dead.name, "q.dead");
  EXPECT_EQ(*Argument(dead, "x-queue-type"),
            amqp::HeaderValue(std::string("quorum")))
      << "one of a single node cannot be declared while that is down";
  EXPECT_NE(Argument(dead, "x-max-length"), nullptr);
}

TEST(PassiveQueue, DeclaresNothing) {
  const RabbitMqTopology topology = PassiveQueue("q");
  ASSERT_EQ(topology.declared.queues.size(), 1u);
  EXPECT_EQ(topology.declared.queues[0].declare, amqp::Declare::kPassive);
  EXPECT_TRUE(topology.declared.exchanges.empty());
  EXPECT_TRUE(topology.declared.bindings.empty());
}

}  // namespace
}  // namespace rpc
