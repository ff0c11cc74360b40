#ifndef RPC_AMQP_MODES_H_
#define RPC_AMQP_MODES_H_

// The switches of AMQP's methods, by name.
namespace rpc::amqp {

// kYes: the message comes back (OnReturn) if no queue takes it.
enum class Mandatory { kNo, kYes };

// kMultiple: the tag and all before it on the channel.
enum class AckMode { kSingle, kMultiple };

// kNo: the broker drops or dead-letters the message.
enum class Requeue { kNo, kYes };

}  // namespace rpc::amqp

#endif  // RPC_AMQP_MODES_H_
