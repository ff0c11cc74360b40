#ifndef BENCHMARKS_POLICIES_REGISTER_H_
#define BENCHMARKS_POLICIES_REGISTER_H_

// The standard microbenchmarks for a policy of one's own, on google-benchmark:
// one line registers each set under the policy's name.
//
//   namespace bench = rpc::benchmarks;
//
//   bench::RegisterSerializer<examples::BigEndianSerializer>("own_serializer",
//                                                            std::uint64_t{90});
//   bench::RegisterHandler<examples::Deposit, rpc::JsonSerializer>(
//       "own_handler", {"voucher", "ada", 100});
//
// examples/own_policies_benchmark.cc is the whole program.
//
// Each reports time, allocations per iteration (all threads; the global
// operator new is replaced by one that counts), and body_bytes where there is a
// body. What goes wrong is reported as the benchmark's error.

#include "benchmarks/policies/register_handler.h"
#include "benchmarks/policies/register_serializer.h"
#include "benchmarks/policies/register_transport.h"

#endif  // BENCHMARKS_POLICIES_REGISTER_H_
