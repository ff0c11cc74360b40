#ifndef RPC_CORE_STOP_ON_SIGNAL_H_
#define RPC_CORE_STOP_ON_SIGNAL_H_

#include <semaphore.h>
#include <signal.h>

#include <cerrno>
#include <stop_token>
#include <thread>

namespace rpc {

namespace core {

inline sem_t signal_arrived;

}  // namespace core

// A token whose stop is requested by the first SIGTERM or SIGINT that the
// process gets from now on; a second one ends the process, as it would have
// without this. One token for the whole process. Thread-safe.
inline std::stop_token StopOnSignal() {
  static std::stop_source* const source = [] {
    auto* created = new std::stop_source;
    sem_init(&core::signal_arrived, 0, 0);
    std::thread([stop = *created]() mutable {
      while (sem_wait(&core::signal_arrived) != 0 && errno == EINTR) {
      }
      signal(SIGTERM, SIG_DFL);
      signal(SIGINT, SIG_DFL);
      stop.request_stop();
    }).detach();
    struct sigaction action = {};
    // sem_post is one of the few calls that a signal handler may make.
    action.sa_handler = [](int) { sem_post(&core::signal_arrived); };
    action.sa_flags = SA_RESTART;
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    return created;
  }();
  return source->get_token();
}

}  // namespace rpc

#endif  // RPC_CORE_STOP_ON_SIGNAL_H_
