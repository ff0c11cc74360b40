#ifndef BENCHMARKS_RABBITMQ_FAIL_H_
#define BENCHMARKS_RABBITMQ_FAIL_H_

#include <cstdio>
#include <cstdlib>
#include <string>

namespace rpc::benchmarks {

// Ends a benchmark program: a measurement with a fault in it is worth nothing.
[[noreturn]] inline void Fail(const std::string& reason) {
  std::fprintf(stderr, "%s\n", reason.c_str());
  std::exit(1);
}

}  // namespace rpc::benchmarks

#endif  // BENCHMARKS_RABBITMQ_FAIL_H_
