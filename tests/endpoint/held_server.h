#ifndef RPC_TESTS_ENDPOINT_HELD_SERVER_H_
#define RPC_TESTS_ENDPOINT_HELD_SERVER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "rpc/message/method.h"
#include "tests/core/gate.h"
#include "tests/core/handling.h"
#include "tests/endpoint/memory_world.h"

namespace rpc::testing {

// Returns its argument, but not until the hold lets go.
struct Hold {
  using Method = Double;

  std::int64_t operator()(std::int64_t n) const {
    ++gates->runs;
    gates->entered.Open();
    gates->leave.Wait();
    return n;
  }

  struct Gates {
    Gate entered;
    Gate leave;
    std::atomic<int> runs = 0;
  };
  std::shared_ptr<Gates> gates = std::make_shared<Gates>();
};

// Keeps each call until it lets go, at the latest when it ends.
class HeldServer {
 public:
  explicit HeldServer(const MemoryWorld& world, MemoryOptions options = {})
      : serving_(world.Serve(hold_, std::move(options))) {}
  ~HeldServer() { LetGo(); }

  // Until the first call is held.
  bool WaitForCall() { return hold_.gates->entered.Wait(); }
  void LetGo() { hold_.gates->leave.Open(); }
  // How many calls its handler was given.
  int runs() const { return hold_.gates->runs; }

  Serving<MemoryEndpoint<Hold>>* operator->() { return serving_.get(); }

 private:
  const Hold hold_;
  const std::unique_ptr<Serving<MemoryEndpoint<Hold>>> serving_;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_ENDPOINT_HELD_SERVER_H_
