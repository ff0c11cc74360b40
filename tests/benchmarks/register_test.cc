#include "benchmarks/policies/register.h"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rpc/base/bytes.h"
#include "rpc/base/outcome.h"
#include "rpc/message/method.h"
#include "rpc/message/server_context.h"
#include "rpc/serializer/decimal_serializer.h"
#include "rpc/transport/direct_transport.h"
#include "rpc/transport/memory_broker.h"
#include "rpc/transport/memory_transport.h"

namespace rpc::benchmarks {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Pair;
using ::testing::SizeIs;

// Takes note of each benchmark's error, empty where there is none.
class Errors : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) of[run.benchmark_name()] = run.error_message;
  }

  std::map<std::string, std::string> of;
};

// Runs what is registered and forgets it.
std::map<std::string, std::string> RunRegistered() {
  std::string program = "register_test";
  std::string min_time = "--benchmark_min_time=0.0001";
  char* arguments[] = {program.data(), min_time.data(), nullptr};
  int count = 2;
  benchmark::Initialize(&count, arguments);
  Errors errors;
  benchmark::RunSpecifiedBenchmarks(&errors);
  benchmark::ClearRegisteredBenchmarks();
  return errors.of;
}

// Of what kind the refusals of RefusingSerializer are.
enum class Refuses { kEncode, kDecode };

struct RefusingSerializer {
  static constexpr std::string_view kContentType = "text/plain";

  absl::Status Encode(std::uint64_t, Bytes&) const {
    return refuses == Refuses::kEncode
               ? absl::InvalidArgumentError("does not travel")
               : absl::OkStatus();
  }
  template <typename T>
  absl::StatusOr<T> Decode(std::string_view) const {
    return absl::InvalidArgumentError("is no number");
  }

  Refuses refuses = Refuses::kEncode;
};

TEST(RegisterSerializer, ReportsAValueThatIsNotEncoded) {
  RegisterSerializer<RefusingSerializer>("mine", std::uint64_t{1});
  const auto errors = RunRegistered();
  EXPECT_THAT(errors, SizeIs(4));
  EXPECT_THAT(errors,
              Each(Pair(HasSubstr("mine/"), HasSubstr("INVALID_ARGUMENT"))));
}

TEST(RegisterSerializer, UsesTheSerializerItIsGiven) {
  RegisterSerializer("mine", std::uint64_t{1},
                     RefusingSerializer{Refuses::kDecode});
  const auto errors = RunRegistered();
  EXPECT_THAT(errors, Contains(Pair("mine/encode", IsEmpty())));
  EXPECT_THAT(errors, Contains(Pair("mine/decode", HasSubstr("is no number"))));
  EXPECT_THAT(errors, Contains(Pair("mine/direct", HasSubstr("is no number"))));
}

struct Refusing {
  using Method = rpc::Method<"refuse", void()>;
  absl::Status operator()() const {
    return absl::PermissionDeniedError("not you");
  }
};

TEST(RegisterHandler, ReportsAHandlerThatRefuses) {
  RegisterHandler<Refusing>("mine", {});
  const auto errors = RunRegistered();
  EXPECT_THAT(errors, Contains(Pair("mine/encode", IsEmpty())));
  for (const char* name :
       {"mine/handle", "mine/direct", "mine/memory/real_time"}) {
    EXPECT_THAT(errors, Contains(Pair(name, HasSubstr("not you"))));
  }
}

struct Scale {
  using Method = rpc::Method<"scale", std::uint64_t(std::uint64_t)>;
  explicit Scale(std::uint64_t by) : factor(by) {}
  std::uint64_t operator()(const ServerContext&, std::uint64_t n) const {
    return n * factor;
  }
  std::uint64_t factor;
};

TEST(RegisterHandler, MakesAHandlerThatHasNoDefault) {
  RegisterHandler<Scale>("mine", {2}, [] { return Scale(3); });
  const auto errors = RunRegistered();
  EXPECT_THAT(errors, SizeIs(5));
  EXPECT_THAT(errors, Each(Pair(HasSubstr("mine/"), IsEmpty())));
}

TEST(RegisterTransport, MeasuresCallsAlsoInFlight) {
  RegisterTransport<MemoryTransport>("mine", [] {
    return MemoryTransport::Options{.broker = std::make_shared<MemoryBroker>()};
  });
  const auto errors = RunRegistered();
  EXPECT_THAT(errors, Contains(Key("mine/call/real_time")));
  EXPECT_THAT(errors, Contains(Key("mine/in_flight/256/real_time")));
  EXPECT_THAT(errors, Each(Pair(HasSubstr("mine/"), IsEmpty())));
}

TEST(RegisterTransport, MeasuresASameThreadTransportWithoutCallsInFlight) {
  RegisterTransport<DirectTransport>("mine",
                                     [] { return DirectTransport::Options(); });
  const auto errors = RunRegistered();
  EXPECT_THAT(errors, SizeIs(1));
  EXPECT_THAT(errors, Contains(Pair("mine/call", IsEmpty())));
}

TEST(RegisterTransport, ReportsATransportThatDoesNotOpen) {
  RegisterTransport<MemoryTransport>(
      "mine", [] { return MemoryTransport::Options{.broker = nullptr}; });
  EXPECT_THAT(RunRegistered(),
              Each(Pair(HasSubstr("mine/"), HasSubstr("broker"))));
}

}  // namespace
}  // namespace rpc::benchmarks
