#ifndef RPC_AMQP_DIALER_H_
#define RPC_AMQP_DIALER_H_

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "rpc/amqp/resolver.h"
#include "rpc/amqp/stream.h"
#include "rpc/amqp/tcp_stream.h"
#include "rpc/amqp/tls_options.h"
#include "rpc/amqp/tls_stream.h"
#include "rpc/amqp/url.h"
#include "rpc/amqp/wakeup.h"
#include "rpc/base/deadline.h"

namespace rpc::amqp {

// One attempt to reach a broker: resolves its name, tries what that gives in
// turn, shakes hands over TLS. Never waits. Thread-compatible.
class Dialer {
 public:
  Dialer(const Address& address, const TlsOptions& tls, absl::Duration timeout,
         std::shared_ptr<Wakeup> wakeup, TimePoint now)
      : address_(address),
        tls_(tls),
        timeout_(timeout),
        limit_(Deadline::After(timeout, now).at()),
        resolver_(address.host, address.port, std::move(wakeup)) {}

  // Goes on. Null while it is under way; then, once, a connected stream or why
  // there is none: the failure of the last address.
  absl::StatusOr<std::unique_ptr<Stream>> Step(TimePoint now) {
    if (candidates_.empty()) {
      absl::StatusOr<SocketAddresses> resolved = resolver_.Poll();
      if (!resolved.ok()) return resolved.status();
      if (resolved->empty()) {
        if (now < limit_) return nullptr;
        return TooSlow("resolving the host name");
      }
      candidates_ = *std::move(resolved);
    }
    for (;;) {
      if (stream_ == nullptr) {
        if (next_ == candidates_.size()) return failure_;
        failure_ = Start(now);
      } else {
        absl::StatusOr<Progress> progress = stream_->Connect();
        if (progress.ok() && *progress == Progress::kDone) {
          return std::move(stream_);
        }
        if (progress.ok() && now < candidate_limit_) return nullptr;
        failure_ = progress.ok() ? TooSlow("connecting") : progress.status();
        stream_.reset();
      }
    }
  }

  // What to poll; -1 while there is no descriptor.
  int descriptor() const {
    return stream_ == nullptr ? -1 : stream_->descriptor();
  }
  short events() const {
    return stream_ == nullptr ? short{0} : stream_->events();
  }
  TimePoint NextWake() const {
    return stream_ == nullptr ? limit_ : candidate_limit_;
  }

 private:
  // Begins with the next candidate, which gets its share of the time left.
  absl::Status Start(TimePoint now) {
    const auto left = static_cast<int>(candidates_.size() - next_);
    candidate_limit_ = now + std::max(limit_ - now, Clock::duration(1)) / left;
    absl::StatusOr<std::unique_ptr<Stream>> stream =
        TcpStream::Start(candidates_[next_++]);
    if (stream.ok() && address_.tls) {
      stream = TlsStream::Start(*std::move(stream), tls_, address_.host);
    }
    if (!stream.ok()) return stream.status();
    stream_ = *std::move(stream);
    return absl::OkStatus();
  }

  absl::Status TooSlow(const char* what) const {
    return absl::UnavailableError(absl::StrCat(what, " took longer than ",
                                               absl::FormatDuration(timeout_)));
  }

  const Address& address_;
  const TlsOptions& tls_;
  const absl::Duration timeout_;
  const TimePoint limit_;
  TimePoint candidate_limit_ = kNever;
  Resolver resolver_;
  SocketAddresses candidates_;  // empty until they are resolved
  std::size_t next_ = 0;
  std::unique_ptr<Stream> stream_;
  absl::Status failure_;
};

}  // namespace rpc::amqp

#endif  // RPC_AMQP_DIALER_H_
