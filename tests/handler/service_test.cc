#include "rpc/handler/service.h"

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "gtest/gtest.h"
#include "rpc/handler/handler_policy.h"
#include "rpc/message/method.h"

namespace rpc {
namespace {

struct Add {
  using Method = rpc::Method<"add", int(int, int)>;
  constexpr int operator()(int a, int b) const { return a + b; }
};

// Move-only.
class Greet {
 public:
  using Method = rpc::Method<"greet", std::string(std::string)>;
  explicit Greet(std::string greeting)
      : greeting_(std::make_unique<std::string>(std::move(greeting))) {}
  std::string operator()(const std::string& name) const {
    return *greeting_ + name;
  }

 private:
  std::unique_ptr<std::string> greeting_;
};

static_assert(std::is_same_v<MethodsOf<Service<Add, Greet>>,
                             TypeList<Add::Method, Greet::Method>>);
static_assert(HandlesMethods<Service<Add>>);
static_assert(std::is_empty_v<Service<Add>>);
static_assert(Service<Add>().HandlerOf<Add::Method>()(2, 3) == 5);
static_assert(std::is_default_constructible_v<Service<Add>>);
static_assert(!std::is_default_constructible_v<Service<Add, Greet>>);

// The client's half.
using Remote = Service<Add::Method, Greet::Method>;
static_assert(
    std::is_same_v<MethodsOf<Remote>, MethodsOf<Service<Add, Greet>>>);

TEST(Service, FindsTheHandlerOfEachMethod) {
  const Service<Add, Greet> service(Add(), Greet("hello "));
  EXPECT_EQ(service.HandlerOf<Add::Method>()(2, 3), 5);
  EXPECT_EQ(service.HandlerOf<Greet::Method>()("rabbit"), "hello rabbit");
}

TEST(Service, TakesOverMoveOnlyHandlers) {
  Service<Greet> first(Greet("hi "));
  const Service<Greet> second = std::move(first);
  EXPECT_EQ(second.HandlerOf<Greet::Method>()("rabbit"), "hi rabbit");
}

}  // namespace
}  // namespace rpc
