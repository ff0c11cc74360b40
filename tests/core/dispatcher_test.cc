#include "rpc/core/dispatcher.h"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rpc/base/bytes.h"
#include "rpc/base/status.h"
#include "rpc/message/method.h"
#include "rpc/message/server_context.h"
#include "tests/core/handling.h"
#include "tests/core/list_serializer.h"

namespace rpc::core {
namespace {

using ::rpc::testing::Add;
using ::rpc::testing::Double;
using ::rpc::testing::Echo;
using ::rpc::testing::Handle;
using ::rpc::testing::ListSerializer;
using ::testing::HasSubstr;

struct Doubling {
  using Method = Double;
  absl::StatusOr<std::int64_t> operator()(std::int64_t n) const {
    if (n == -1) throw std::runtime_error("minus one");
    if (n == -2) throw n;
    if (n == -3) {
      return NotRun(
          WithRetryAfter(absl::AbortedError("of mine"), absl::Seconds(1)));
    }
    return 2 * n;
  }
};

// Several methods, with the shape of rpc::Service and no more.
struct Several {
  using Methods = TypeList<Double, Echo>;

  template <typename M>
  const auto& HandlerOf() const {
    if constexpr (std::is_same_v<M, Double>) {
      return doubling;
    } else {
      return echoing;
    }
  }

  struct Echoing {
    using Method = Echo;
    std::string operator()(const std::string& text) const {
      return text == "bad" ? std::string(ListSerializer::kUnspeakable) : text;
    }
  };
  Doubling doubling;
  Echoing echoing;
};

template <typename Handler>
absl::StatusOr<std::string> Dispatch(std::string_view method,
                                     std::string_view body) {
  const ListSerializer serializer;
  const Handler handler;
  Bytes reply;
  const absl::Status status =
      Dispatcher<ListSerializer, Handler>(&serializer, &handler)
          .Dispatch({}, method, body, reply);
  if (!status.ok()) return status;
  return std::string(reply.view());
}

std::string MessageOf(const absl::Status& status) {
  return std::string(status.message());
}

TEST(Dispatcher, FindsTheMethodThatIsNamed) {
  EXPECT_EQ(Dispatch<Several>("double", "4").value(), "8");
  EXPECT_EQ(Dispatch<Several>("echo", "4").value(), "4");
}

TEST(Dispatcher, TakesTheOnlyMethodWhereNoneIsNamed) {
  EXPECT_EQ(Dispatch<Doubling>("", "4").value(), "8");
  EXPECT_EQ(Dispatch<Doubling>("double", "4").value(), "8");
}

TEST(Dispatcher, RefusesToGuessAmongSeveralMethods) {
  const absl::Status status = Dispatch<Several>("", "4").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_FALSE(MayHaveRun(status));
  EXPECT_EQ(MessageOf(status),
            "the request names no method; this server has double, echo");
}

TEST(Dispatcher, AnswersAnUnknownMethodWithThoseThatThereAre) {
  for (const char* method : {"triple", "doubl", "double ", "Double"}) {
    const absl::Status status = Dispatch<Doubling>(method, "4").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented) << method;
    EXPECT_FALSE(MayHaveRun(status));
    EXPECT_EQ(MessageOf(status), "no method \"" + std::string(method) +
                                     "\"; this server has double");
  }
}

TEST(Dispatcher, DoesNotRepeatAMethodsNameAtAnyLength) {
  const absl::Status status =
      Dispatch<Doubling>(std::string(100'000, 'x'), "4").status();
  EXPECT_LT(status.message().size(), 300u);
}

TEST(Dispatcher, SaysThatArgumentsAreWrong) {
  const absl::Status status = Dispatch<Doubling>("", "four").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MessageOf(status), "arguments: no number");
  EXPECT_FALSE(MayHaveRun(status));
}

TEST(Dispatcher, AnExceptionIsUnknownAndMayHaveRun) {
  const absl::Status standard = Dispatch<Doubling>("", "-1").status();
  EXPECT_EQ(standard.code(), absl::StatusCode::kUnknown);
  EXPECT_THAT(MessageOf(standard), HasSubstr("threw: minus one"));
  EXPECT_TRUE(MayHaveRun(standard));
  const absl::Status other = Dispatch<Doubling>("", "-2").status();
  EXPECT_EQ(other.code(), absl::StatusCode::kUnknown);
  EXPECT_TRUE(MayHaveRun(other));
}

TEST(Dispatcher, AHandlersStatusIsPassedOnExceptThatItDidNotRun) {
  const absl::Status status = Dispatch<Doubling>("", "-3").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(MessageOf(status), "of mine");
  EXPECT_EQ(RetryAfter(status), absl::Seconds(1));
  EXPECT_TRUE(MayHaveRun(status));
}

TEST(Dispatcher, AResultThatDoesNotEncodeIsInternal) {
  const absl::Status status = Dispatch<Several>("echo", "bad").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(MessageOf(status), HasSubstr("encoding the result: "));
  EXPECT_TRUE(MayHaveRun(status));
}

TEST(Dispatcher, ReadsItsOwnContentTypeOnly) {
  using D = Dispatcher<ListSerializer, Doubling>;
  for (const char* type :
       {"", "text/x-list", "TEXT/X-List", "text/x-list;charset=utf-8",
        "text/x-list ; charset=utf-8"}) {
    EXPECT_TRUE(D::CheckContentType(type).ok()) << type;
  }
  for (const char* type :
       {"text", "text/x-list2", "application/json", "xtext/x-list"}) {
    const absl::Status status = D::CheckContentType(type);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << type;
    EXPECT_FALSE(MayHaveRun(status));
    EXPECT_EQ(MessageOf(status), "content type \"" + std::string(type) +
                                     "\"; this server reads text/x-list");
  }
}

}  // namespace
}  // namespace rpc::core
