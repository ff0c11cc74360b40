#include "tests/support/fault_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "rpc/amqp/descriptor.h"
#include "rpc/base/deadline.h"
#include "tests/support/faulty_pipe.h"

namespace rpc::testing {
namespace {

using amqp::Descriptor;

constexpr int kSocket = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

void SetOn(const Descriptor& socket, int level, int option) {
  const int on = 1;
  ::setsockopt(socket.get(), level, option, &on, sizeof(on));
}

// Fixed and less than a second of a slow link, so that a sender feels soon that
// nobody reads, or how slowly.
void KeepBufferSmall(const Descriptor& socket) {
  const int bytes = 1 << 15;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
}

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A socket that holds `port`, or a free one if that is 0. Nobody can dial it
// before it listens.
Descriptor Bound(int port) {
  Descriptor socket(::socket(AF_INET, kSocket, 0));
  // Connections that came through this port do not keep it.
  SetOn(socket, SOL_SOCKET, SO_REUSEADDR);
  KeepBufferSmall(socket);  // also of the connections
  const sockaddr_in address = Loopback(port);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address),
             sizeof(address)) != 0) {
    throw std::runtime_error("FaultProxy: bind: " +
                             std::generic_category().message(errno));
  }
  return socket;
}

int PortOf(const Descriptor& socket) {
  sockaddr_in address = {};
  socklen_t size = sizeof(address);
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

// Not waited for: what is sent before it is connected stays with us.
Descriptor Dial(int port) {
  Descriptor socket(::socket(AF_INET, kSocket, 0));
  SetOn(socket, IPPROTO_TCP, TCP_NODELAY);
  KeepBufferSmall(socket);
  const sockaddr_in address = Loopback(port);
  ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address),
            sizeof(address));
  return socket;
}

void End(Descriptor socket, Cut cut) {
  if (!socket.valid()) return;
  if (cut == Cut::kReset) {
    const linger at_once = {1, 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once,
                 sizeof(at_once));
    return;
  }
  ::shutdown(socket.get(), SHUT_WR);
  // What is unread would make the kernel send a reset after all.
  std::array<char, 65536> unread;
  while (::recv(socket.get(), unread.data(), unread.size(), 0) > 0) {
  }
}

}  // namespace

// A connection of a client, with that to the broker unless it is silent.
class FaultProxy::Link {
 public:
  Link(Descriptor client, Descriptor broker)
      : client_(std::move(client)), broker_(std::move(broker)) {}

  void SetFaults(const ProxyFaults& faults, TimePoint now) {
    to_broker_.SetFaults(faults.to_broker, now);
    to_client_.SetFaults(faults.to_client, now);
  }

  void CutNow(Cut cut) {
    End(std::move(client_), cut);
    End(std::move(broker_), cut);
  }

  // False if the connection is over, and its sockets closed.
  bool Pump(TimePoint now) {
    if (!client_.valid()) return false;
    if (!broker_.valid()) return SilentClientIsThere();
    std::optional<Cut> cut = to_broker_.Pump(client_.get(), broker_.get(), now);
    if (!cut.has_value()) {
      cut = to_client_.Pump(broker_.get(), client_.get(), now);
    }
    if (!cut.has_value() && to_broker_.over() && to_client_.over()) {
      cut = Cut::kFinish;
    }
    if (cut.has_value()) CutNow(*cut);
    return !cut.has_value();
  }

  TimePoint NextWake() const {
    return std::min(to_broker_.next_wake(), to_client_.next_wake());
  }
  void AddTo(std::vector<pollfd>& polled) const {
    if (!broker_.valid()) return Add(polled, client_, POLLRDHUP);
    Add(polled, client_, Events(to_broker_, to_client_));
    Add(polled, broker_, Events(to_client_, to_broker_));
  }

 private:
  static int Events(const FaultyPipe& from_it, const FaultyPipe& to_it) {
    return (from_it.wants_to_read() ? POLLIN : 0) |
           (to_it.wants_to_write() ? POLLOUT : 0);
  }

  // poll(2) tells of a hang-up even if nothing is asked for, again and again.
  static void Add(std::vector<pollfd>& polled, const Descriptor& socket,
                  int events) {
    if (events == 0) return;
    polled.push_back({socket.get(), static_cast<short>(events), 0});
  }

  bool SilentClientIsThere() {
    pollfd polled = {client_.get(), POLLRDHUP, 0};
    if (::poll(&polled, 1, 0) == 0) return true;
    CutNow(Cut::kReset);
    return false;
  }

  Descriptor client_;
  Descriptor broker_;
  FaultyPipe to_broker_;
  FaultyPipe to_client_;
};

FaultProxy::FaultProxy(int target)
    : target_(target),
      listener_(Bound(0)),
      wakeup_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  port_ = PortOf(listener_);
  Listen();
  thread_ = std::thread([this] { Run(); });
}

FaultProxy::~FaultProxy() {
  CutAll(Cut::kReset);
  Do([this] { stopping_ = true; });
  thread_.join();
}

void FaultProxy::SetFaults(const ProxyFaults& faults) {
  Do([this, faults] {
    faults_ = faults;
    for (const auto& link : links_) link->SetFaults(faults, Clock::now());
    if (faults.new_connections == NewConnections::kRefuse) {
      StopListening();
    } else {
      Listen();
    }
  });
}

void FaultProxy::Afflict(const ProxyFaults& faults) {
  Do([this, faults] {
    for (const auto& link : links_) link->SetFaults(faults, Clock::now());
  });
}

void FaultProxy::CutAll(Cut cut) {
  Do([this, cut] {
    for (const auto& link : links_) link->CutNow(cut);
    links_.clear();
    open_ = 0;
  });
}

void FaultProxy::SetTarget(int target) {
  Do([this, target] { target_ = target; });
}

void FaultProxy::Do(std::function<void()> task) {
  std::unique_lock lock(mutex_);
  tasks_.push_back(std::move(task));
  const std::uint64_t mine = ++asked_;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written =
      ::write(wakeup_.get(), &one, sizeof(one));
  changed_.wait(lock, [&] { return done_ >= mine; });
}

void FaultProxy::Run() {
  while (!stopping_) {
    ++turns_;
    DoTasks();
    const TimePoint now = Clock::now();
    std::erase_if(links_, [&](const auto& link) { return !link->Pump(now); });
    open_ = static_cast<int>(links_.size());
    if (!stopping_) Sleep(now);
  }
}

void FaultProxy::DoTasks() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t read =
      ::read(wakeup_.get(), &count, sizeof(count));
  const std::lock_guard lock(mutex_);
  // Who dialled before a task was asked for, is there when it is done.
  AcceptAll(Clock::now());
  for (const auto& task : tasks_) task();
  tasks_.clear();
  done_ = asked_;
  changed_.notify_all();
}

void FaultProxy::AcceptAll(TimePoint now) {
  if (!listening_) return;
  for (;;) {
    Descriptor client(::accept4(listener_.get(), nullptr, nullptr,
                                SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!client.valid()) return;
    ++accepted_;
    SetOn(client, IPPROTO_TCP, TCP_NODELAY);
    const bool silent = faults_.new_connections == NewConnections::kSilent;
    links_.push_back(std::make_unique<Link>(
        std::move(client), silent ? Descriptor() : Dial(target_)));
    links_.back()->SetFaults(faults_, now);
  }
}

void FaultProxy::Sleep(TimePoint now) {
  std::vector<pollfd> polled = {{wakeup_.get(), POLLIN, 0}};
  if (listening_) polled.push_back({listener_.get(), POLLIN, 0});
  TimePoint wake = kNever;
  for (const auto& link : links_) {
    link->AddTo(polled);
    wake = std::min(wake, link->NextWake());
  }
  const timespec timeout = absl::ToTimespec(
      absl::FromChrono(std::max(wake - now, Clock::duration::zero())));
  ::ppoll(polled.data(), polled.size(), &timeout, nullptr);
}

void FaultProxy::Listen() {
  if (std::exchange(listening_, true)) return;
  ::listen(listener_.get(), 64);
}

// The port is kept, by a socket that does not listen.
void FaultProxy::StopListening() {
  if (!std::exchange(listening_, false)) return;
  listener_ = Descriptor();
  listener_ = Bound(port_);
}

}  // namespace rpc::testing
