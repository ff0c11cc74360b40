// One call in five forms: who waits for it, and where its result arrives.

#include <cstdint>
#include <exception>
#include <future>
#include <iostream>
#include <memory>
#include <thread>
#include <utility>

#include "rpc/rpc.h"

#ifdef RPC_HAS_COROUTINES
#include <coroutine>
#endif

namespace {

using Endpoint = rpc::RpcEndpoint<rpc::MemoryTransport, rpc::DecimalSerializer,
                                  rpc::Fibonacci<std::uint64_t>>;
using Result = absl::StatusOr<std::uint64_t>;

void Print(const char* form, const Result& value) {
  std::cout << form << ": ";
  if (value.ok()) {
    std::cout << *value << "\n";
  } else {
    std::cout << absl::StatusCodeToString(value.status().code()) << "\n";
  }
}

// The thread waits.
void Blocking(Endpoint& client) { Print("blocking", client.Call(90)); }

// The result goes to a callback, on a thread of the endpoint's.
void WithCallback(Endpoint& client) {
  std::promise<void> called;
  client.CallAsync(90, [&](const Result& value) {
    Print("callback", value);
    called.set_value();
  });
  called.get_future().wait();
}

// The thread asks for the result when it wants it.
void WithFuture(Endpoint& client) {
  auto early = client.CallFuture(90);
  auto late = client.CallFuture(91, {.timeout = absl::Seconds(1)});
  Print("future", std::move(early).Get());
  Print("future", std::move(late).Get());
}

// Many calls at once, and one wait.
void Batch(Endpoint& client) {
  for (const Result& value : client.CallBatch({1, 90, 94})) {
    Print("batch", value);
  }
}

#ifdef RPC_HAS_COROUTINES
// A user's own coroutine type: this one runs until it waits.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

Detached Await(Endpoint& client, std::promise<void>& done) {
  // Goes on on a thread of the endpoint's,
  Print("co_await", co_await client.CallAwaitable(90));
  // or wherever an executor resumes it: here on a thread of its own.
  const auto executor = [](std::coroutine_handle<> coroutine) {
    std::thread(coroutine).detach();
  };
  Print("co_await on an executor",
        co_await client.CallAwaitable(91).ResumeOn(executor));
  done.set_value();
}

void WithCoroutine(Endpoint& client) {
  std::promise<void> done;
  Await(client, done);
  done.get_future().wait();
}
#else
void WithCoroutine(Endpoint&) {}
#endif

}  // namespace

int main() {
  const auto broker = std::make_shared<rpc::MemoryBroker>();
  auto server = Endpoint::Open({.transport = {.broker = broker}});
  auto client = Endpoint::Open({.transport = {.broker = broker}});
  if (!server.ok() || !client.ok()) return 1;
  auto serving = server->ServeInBackground();
  if (!serving.ok()) return 1;

  Blocking(*client);
  WithCallback(*client);
  WithFuture(*client);
  Batch(*client);
  WithCoroutine(*client);
}
