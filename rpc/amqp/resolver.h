#ifndef RPC_AMQP_RESOLVER_H_
#define RPC_AMQP_RESOLVER_H_

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "rpc/amqp/thread.h"
#include "rpc/amqp/wakeup.h"

namespace rpc::amqp {

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t size = 0;

  const sockaddr* get() const {
    return reinterpret_cast<const sockaddr*>(&storage);
  }
};

using SocketAddresses = std::vector<SocketAddress>;

// One host name on its way to addresses. Numeric hosts are there at once; a
// name is looked up on a thread of its own that nobody ever waits for, since a
// lookup can take minutes and cannot be abandoned. Thread-compatible.
class Resolver {
 public:
  // Wakes `wakeup` when Poll() has something to say.
  Resolver(const std::string& host, std::uint16_t port,
           std::shared_ptr<Wakeup> wakeup)
      : shared_(std::make_shared<Shared>()) {
    absl::StatusOr<SocketAddresses> numeric =
        Resolve(host, port, AI_NUMERICHOST);
    if (numeric.ok()) {
      shared_->result = std::move(numeric);
      return;
    }
    const absl::Status started = Thread::StartDetached(
        [shared = shared_, wakeup = std::move(wakeup), host, port] {
          absl::StatusOr<SocketAddresses> result = Resolve(host, port, 0);
          {
            const std::lock_guard<std::mutex> lock(shared->mutex);
            shared->result = std::move(result);
          }
          wakeup->Wake();
        });
    if (!started.ok()) shared_->result = started;
  }

  // Empty while the lookup runs. UNAVAILABLE if the name is not known now.
  absl::StatusOr<SocketAddresses> Poll() const {
    const std::lock_guard<std::mutex> lock(shared_->mutex);
    return shared_->result;
  }

 private:
  struct Shared {
    std::mutex mutex;
    absl::StatusOr<SocketAddresses> result = SocketAddresses();
  };

  static absl::StatusOr<SocketAddresses> Resolve(const std::string& host,
                                                 std::uint16_t port,
                                                 int flags) {
    addrinfo hints = {};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const std::string service = std::to_string(port);
    const int error =
        ::getaddrinfo(host.c_str(), service.c_str(), &hints, &found);
    if (error != 0) {
      return absl::UnavailableError(absl::StrCat("cannot resolve host '", host,
                                                 "': ", ::gai_strerror(error)));
    }
    SocketAddresses addresses;
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
      SocketAddress address;
      address.size = each->ai_addrlen;
      std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
      addresses.push_back(address);
    }
    ::freeaddrinfo(found);
    return addresses;
  }

  std::shared_ptr<Shared> shared_;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_RESOLVER_H_
