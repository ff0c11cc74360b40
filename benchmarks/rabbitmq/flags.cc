#include "benchmarks/rabbitmq/flags.h"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"

ABSL_FLAG(std::string, broker, "amqp://guest:guest@127.0.0.1:5672/",
          "URL of the broker");
ABSL_FLAG(std::string, ca_file, "",
          "who signed the certificate of an amqps:// broker; empty: one of the "
          "system's authorities");
ABSL_FLAG(std::string, queue, "bench.fibonacci", "queue of the requests");
ABSL_FLAG(std::string, contender, "", "name printed in the report");
ABSL_FLAG(std::uint64_t, in_flight, 1, "client: calls kept open");
ABSL_FLAG(std::uint64_t, threads, 0,
          "client: blocking callers; 0: calls are asynchronous");
ABSL_FLAG(std::uint64_t, warmup, 1000, "client: calls before the measured");
ABSL_FLAG(std::uint64_t, calls, 10000, "client: calls measured");
ABSL_FLAG(std::uint64_t, n, 90, "client: argument of fibonacci, at most 93");
ABSL_FLAG(std::uint64_t, batch, 32, "messages encoded per send");
ABSL_FLAG(std::uint32_t, prefetch, 100, "server: unacknowledged deliveries");
ABSL_FLAG(std::int32_t, workers, 0,
          "server of the library: threads that run handlers");
ABSL_FLAG(std::int32_t, callback_threads, 1,
          "client of the library: threads that run callbacks; 0: its "
          "transport's own");
ABSL_FLAG(bool, confirms, false, "one_buffer: asynchronous publisher confirms");
ABSL_FLAG(std::string, topology, "tutorial",
          "tutorial, persistent (the same, persistent messages) or quorum");
ABSL_FLAG(std::string, wire, "full",
          "client: full (expiration, mandatory), no_mandatory or bare");

namespace rpc::benchmarks {
namespace {

void Require(bool condition, const char* sentence) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", sentence);
  std::exit(2);
}

Wire ParseWire(const std::string& text) {
  Require(text == "full" || text == "no_mandatory" || text == "bare",
          "--wire must be full, no_mandatory or bare");
  if (text == "full") return Wire::kFull;
  return text == "bare" ? Wire::kBare : Wire::kNoMandatory;
}

}  // namespace

Flags ParseFlags(int argc, char** argv) {
  absl::SetProgramUsageMessage("One side of a measured call over RabbitMQ.");
  const auto rest = absl::ParseCommandLine(argc, argv);
  Require(rest.size() == 1, "only flags are taken; see --help");
  const std::string topology = absl::GetFlag(FLAGS_topology);
  Require(topology == "tutorial" || topology == "persistent" ||
              topology == "quorum",
          "--topology must be tutorial, persistent or quorum");
  Require(absl::GetFlag(FLAGS_in_flight) >= 1,
          "--in_flight must be at least 1");
  Require(absl::GetFlag(FLAGS_calls) >= 1, "--calls must be at least 1");
  Require(absl::GetFlag(FLAGS_batch) >= 1, "--batch must be at least 1");
  Require(absl::GetFlag(FLAGS_n) <= 93, "--n must be at most 93");
  Require(absl::GetFlag(FLAGS_workers) >= 0, "--workers must be at least 0");
  Require(absl::GetFlag(FLAGS_callback_threads) >= 0,
          "--callback_threads must be at least 0");
  Require(absl::GetFlag(FLAGS_prefetch) <= 0xFFFF,
          "--prefetch must be at most 65535");
  return {.broker = absl::GetFlag(FLAGS_broker),
          .ca_file = absl::GetFlag(FLAGS_ca_file),
          .queue = absl::GetFlag(FLAGS_queue),
          .contender = absl::GetFlag(FLAGS_contender),
          .in_flight = absl::GetFlag(FLAGS_in_flight),
          .threads = absl::GetFlag(FLAGS_threads),
          .warmup = absl::GetFlag(FLAGS_warmup),
          .calls = absl::GetFlag(FLAGS_calls),
          .n = absl::GetFlag(FLAGS_n),
          .batch = absl::GetFlag(FLAGS_batch),
          .prefetch = static_cast<std::uint16_t>(absl::GetFlag(FLAGS_prefetch)),
          .workers = absl::GetFlag(FLAGS_workers),
          .callback_threads = absl::GetFlag(FLAGS_callback_threads),
          .topology = topology,
          .confirms = absl::GetFlag(FLAGS_confirms),
          .wire = ParseWire(absl::GetFlag(FLAGS_wire))};
}

}  // namespace rpc::benchmarks
