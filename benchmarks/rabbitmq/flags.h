#ifndef BENCHMARKS_RABBITMQ_FLAGS_H_
#define BENCHMARKS_RABBITMQ_FLAGS_H_

#include <cstdint>
#include <string>

namespace rpc::benchmarks {

// What travels with a request beside reply_to, correlation_id and body.
enum class Wire {
  kBare,         // nothing
  kNoMandatory,  // an expiration
  kFull,         // an expiration, and the mandatory flag
};

// The face that all measured programs share; each reads what concerns it.
struct Flags {
  std::string broker;       // amqp://user:password@host:port/vhost, or amqps://
  std::string ca_file;      // who signed the certificate of an amqps:// broker
  std::string queue;        // where requests go
  std::string contender;    // the name under which the report is printed
  std::uint64_t in_flight;  // calls kept open by a client, at least 1
  std::uint64_t threads;    // blocking callers; 0: calls are asynchronous
  std::uint64_t warmup;     // calls made before the measured ones
  std::uint64_t calls;      // calls measured, at least 1
  std::uint64_t n;          // the argument of fibonacci, at most 93
  std::uint64_t batch;      // messages per send, where a program batches
  std::uint16_t prefetch;   // of a server
  std::int32_t workers;  // of the library's server; 0: its transport's thread
  std::int32_t callback_threads;  // of the library's client; 0: likewise
  std::string topology;  // tutorial, persistent or quorum; of the library
  bool confirms;         // asynchronous publisher confirms; of one_buffer
  Wire wire;
};

// Parses the command line; prints one line and exits with 2 on bad usage.
Flags ParseFlags(int argc, char** argv);

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_RABBITMQ_FLAGS_H_
