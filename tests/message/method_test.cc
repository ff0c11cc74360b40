#include "rpc/message/method.h"

#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>

#include "gtest/gtest.h"

namespace rpc {
namespace {

using Add = Method<"add", std::int64_t(std::int64_t, std::int64_t)>;
static_assert(Add::kName == "add");
static_assert(std::is_same_v<Add::Result, std::int64_t>);
static_assert(
    std::is_same_v<Add::Arguments, std::tuple<std::int64_t, std::int64_t>>);

// Values travel.
using Look = Method<"look", const std::string&(const std::string&, int&&)>;
static_assert(std::is_same_v<Look::Result, std::string>);
static_assert(std::is_same_v<Look::Arguments, std::tuple<std::string, int>>);

using Touch = Method<"touch", void()>;
static_assert(std::is_same_v<Touch::Result, Empty>);
static_assert(std::is_same_v<Touch::Arguments, std::tuple<>>);
static_assert(Empty() == Empty());

using Move = Method<"move", std::unique_ptr<int>(std::unique_ptr<int>)>;
static_assert(std::is_same_v<Move::Result, std::unique_ptr<int>>);

// Nobody's handler runs twice unless it says that it may.
static_assert(Add::kIdempotent == Idempotent::kNo);
using Get = Method<"get", int(int), Idempotent::kYes>;
static_assert(Get::kIdempotent == Idempotent::kYes);
static_assert(kIsMethod<Get>);

static_assert(kIsMethod<Add>);
static_assert(!kIsMethod<int>);
static_assert(!std::is_same_v<Method<"a", int()>, Method<"b", int()>>);
static_assert(std::is_same_v<Method<"a", int()>, Method<"a", int()>>);

static_assert(TypeList<>::kSize == 0);
static_assert(TypeList<Add, Touch>::kSize == 2);

TEST(Method, NameIsWhatTravels) {
  EXPECT_EQ((Method<"a name with spaces", int()>::kName), "a name with spaces");
  EXPECT_EQ(FixedString("\xC3\xA9t\xC3\xA9").view(), "\xC3\xA9t\xC3\xA9");
}

}  // namespace
}  // namespace rpc
