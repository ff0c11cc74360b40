#ifndef RPC_TESTS_LAWS_SAME_THREAD_LAWS_H_
#define RPC_TESTS_LAWS_SAME_THREAD_LAWS_H_

#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/status.h"
#include "rpc/base/status.h"
#include "tests/laws/transport_bench.h"

// What the laws of rpc/transport/transport_policy.h come to for a transport
// that calls the handler on its caller's thread.
namespace rpc::laws {

// An exchange serves once, and ends as the handler did.
template <typename World>
absl::Status ExchangeEndsOnce(World& world) {
  return Judge("EndsOnce", [&] {
    const auto transport = world.MakeClient();
    for (const absl::Status& status :
         {absl::OkStatus(), NotRun(absl::OutOfRangeError("too much"))}) {
      int served = 0;
      const absl::Status answered =
          transport->Exchange(std::string_view("m"), std::string_view("b"),
                              [&](std::string_view, std::string_view) {
                                ++served;
                                return status;
                              });
      Require(served == 1,
              "a request was served " + std::to_string(served) + " times");
      Require(answered == status, "the handler's " + status.ToString() +
                                      " became " + answered.ToString());
    }
  });
}

// Method and body arrive byte for byte, on the caller's thread.
template <typename World>
absl::Status ExchangeCarries(World& world) {
  return Judge("Carries", [&] {
    const auto transport = world.MakeClient();
    std::string body;
    for (int i = 0; i < 1000; ++i) {
      std::string arrived;
      std::string method;
      std::thread::id thread;
      const absl::Status status = transport->Exchange(
          std::string_view("a.method"), std::string_view(body),
          [&](std::string_view m, std::string_view b) {
            method = m;
            arrived = b;
            thread = std::this_thread::get_id();
            return absl::OkStatus();
          });
      RequireOk(status, "Exchange");
      Require(method == "a.method", "the method of a request changed");
      Require(arrived == body, "the body of a request of " +
                                   std::to_string(body.size()) +
                                   " bytes changed");
      Require(thread == std::this_thread::get_id(),
              "a request was served on another thread than its caller's");
      body += static_cast<char>(i & 255);
    }
  });
}

}  // namespace rpc::laws

#endif  // RPC_TESTS_LAWS_SAME_THREAD_LAWS_H_
