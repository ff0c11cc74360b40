#ifndef BENCHMARKS_POLICIES_REGISTER_SERVED_H_
#define BENCHMARKS_POLICIES_REGISTER_SERVED_H_

#include <benchmark/benchmark.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "benchmarks/policies/calls.h"
#include "benchmarks/policies/failure.h"
#include "benchmarks/policies/served_method.h"
#include "rpc/core/endpoint_options.h"
#include "rpc/transport/direct_transport.h"
#include "rpc/transport/memory_broker.h"
#include "rpc/transport/memory_transport.h"
#include "rpc/transport/transport_policy.h"

namespace rpc::benchmarks {

// Handlers run on the transport's own thread: a worker's hand-off would hide
// what the policy costs.
template <typename Transport>
EndpointOptions<Transport> InlineServing(typename Transport::Options options) {
  EndpointOptions<Transport> endpoint;
  endpoint.transport = std::move(options);
  endpoint.server.workers = 0;
  endpoint.server.prefetch = 512;
  return endpoint;
}

// Registers "NAME": calls of `handler()` with `arguments`, one after the other.
// `options()` makes a new world for each run, for both sides of it.
template <typename Transport, typename Serializer, typename Handler>
void RegisterCalls(
    const std::string& name,
    std::function<typename Transport::Options()> options,
    typename Handler::Method::Arguments arguments,
    std::function<Handler()> handler = [] { return Handler(); },
    const Serializer& serializer = {}) {
  auto* const registered =
      benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
        auto served = ServedMethod<Transport, Serializer, Handler>::Start(
            InlineServing<Transport>(options()), handler(), serializer);
        if (!served.ok()) return ReportFailure(state, served.status());
        MeasureCalls(state, served->client(), arguments);
      });
  if constexpr (!SameThread<Transport>) registered->UseRealTime();
}

// Registers "NAME/direct" and "NAME/memory": such calls without a transport's
// cost, and with threads on both sides.
template <typename Serializer, typename Handler>
void RegisterCallsInProcess(
    const std::string& name, typename Handler::Method::Arguments arguments,
    std::function<Handler()> handler = [] { return Handler(); },
    const Serializer& serializer = {}) {
  RegisterCalls<DirectTransport, Serializer, Handler>(
      name + "/direct", [] { return DirectTransport::Options(); }, arguments,
      handler, serializer);
  RegisterCalls<MemoryTransport, Serializer, Handler>(
      name + "/memory",
      [] {
        MemoryTransport::Options options;
        options.broker = std::make_shared<MemoryBroker>();
        return options;
      },
      std::move(arguments), std::move(handler), serializer);
}

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_POLICIES_REGISTER_SERVED_H_
