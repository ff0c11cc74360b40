#ifndef TESTS_LAWS_HANDLER_LAWS_H_
#define TESTS_LAWS_HANDLER_LAWS_H_

#include <chrono>
#include <cstddef>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "rpc/core/codec.h"
#include "rpc/handler/handler_policy.h"
#include "rpc/message/server_context.h"
#include "tests/laws/broken_law.h"

// The laws of rpc/handler/handler_policy.h, for any handler of one method whose
// result has ==. Say what is to be tried:
//
//   struct DoubleCase {
//     using Handler = Double;
//     static Handler Make() { return Double(); }
//     static std::vector<std::tuple<int>> Arguments() { return {{0}, {-7}}; }
//   };
//
// and instantiate the suite:
//
//   namespace rpc::laws {
//   INSTANTIATE_TYPED_TEST_SUITE_P(Double, HandlerLaws, DoubleCase);
//   }
//
// Each law is a function, too: OK, or a status whose message begins with the
// law's name.
namespace rpc::laws {

// How a call ended: with a value, a status, or an exception.
template <typename Result>
struct Ending {
  std::optional<Result> value;
  absl::Status status;
  bool threw = false;

  friend bool operator==(const Ending&, const Ending&) = default;
};

template <typename Handler>
auto EndingOf(const Handler& handler,
              const typename Handler::Method::Arguments& arguments) {
  using Method = typename Handler::Method;
  using Arguments = typename Method::Arguments;
  const ServerContext context = {.method = Method::kName};
  Ending<typename Method::Result> ending;
  try {
    auto outcome = [&] {
      if constexpr (std::tuple_size_v<Arguments> == 0) {
        return core::Invoke<Method>(handler, &context, {});
      } else if constexpr (std::tuple_size_v<Arguments> == 1) {
        return core::Invoke<Method>(handler, &context, std::get<0>(arguments));
      } else {
        return core::Invoke<Method>(handler, &context, arguments);
      }
    }();
    ending.status = outcome.status();
    if (outcome.ok()) ending.value = *std::move(outcome);
  } catch (...) {
    ending.threw = true;
  }
  return ending;
}

// Returns or throws for every argument that can be decoded; here, within
// `limit`. A handler that breaks the law is still running then: it has to
// outlive its thread, which is nobody's any more.
template <typename Handler>
absl::Status Total(const Handler& handler,
                   const typename Handler::Method::Arguments& arguments,
                   std::chrono::seconds limit = std::chrono::seconds(30)) {
  const auto done = std::make_shared<std::promise<void>>();
  std::thread([&handler, arguments, done] {
    static_cast<void>(EndingOf(handler, arguments));
    done->set_value();
  }).detach();
  if (done->get_future().wait_for(limit) == std::future_status::ready) {
    return absl::OkStatus();
  }
  return Broken("Total", "no end within " + std::to_string(limit.count()) +
                             " s of " + std::string(Handler::Method::kName));
}

// Called from several threads, each call ends as it does alone.
template <typename Handler>
absl::Status Concurrent(
    const Handler& handler,
    const std::vector<typename Handler::Method::Arguments>& arguments,
    std::size_t threads = 4, std::size_t rounds = 50) {
  using Alone = decltype(EndingOf(handler, arguments[0]));
  std::vector<Alone> alone;
  for (const auto& each : arguments) alone.push_back(EndingOf(handler, each));

  const auto differing = [&](std::size_t first) -> std::size_t {
    for (std::size_t i = first; i < first + rounds * arguments.size(); ++i) {
      const std::size_t at = i % arguments.size();
      if (EndingOf(handler, arguments[at]) != alone[at]) return at;
    }
    return arguments.size();
  };
  std::vector<std::future<std::size_t>> running;
  for (std::size_t i = 0; i < threads; ++i) {
    running.push_back(std::async(std::launch::async, differing, i));
  }
  absl::Status status;
  for (auto& future : running) {
    const std::size_t at = future.get();
    if (at == arguments.size()) continue;
    status = Broken("Concurrent", "the call with arguments number " +
                                      std::to_string(at) +
                                      " ended otherwise than alone");
  }
  return status;
}

template <typename Case>
class HandlerLaws : public ::testing::Test {};

TYPED_TEST_SUITE_P(HandlerLaws);

TYPED_TEST_P(HandlerLaws, Total) {
  const auto handler = TypeParam::Make();
  for (const auto& arguments : TypeParam::Arguments()) {
    ASSERT_EQ(laws::Total(handler, arguments), absl::OkStatus());
  }
}

TYPED_TEST_P(HandlerLaws, Concurrent) {
  const auto handler = TypeParam::Make();
  EXPECT_EQ(laws::Concurrent(handler, TypeParam::Arguments()),
            absl::OkStatus());
}

REGISTER_TYPED_TEST_SUITE_P(HandlerLaws, Total, Concurrent);

}  // namespace rpc::laws

#endif  // TESTS_LAWS_HANDLER_LAWS_H_
