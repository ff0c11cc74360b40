#ifndef RPC_HANDLER_MEMOIZED_H_
#define RPC_HANDLER_MEMOIZED_H_

#include <concepts>
#include <cstddef>
#include <iterator>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "rpc/handler/handler_policy.h"
#include "rpc/message/server_context.h"

namespace rpc {

namespace memoized_internal {

// The results kept, least recently used last. Thread-safe. Under its lock
// arguments are compared and nothing else of the user's runs: hashes, copies
// of large results and destructors are outside.
template <typename Result, typename... Args>
class LruCache {
 public:
  explicit LruCache(std::size_t capacity) : capacity_(capacity) {}

  static std::size_t Hash(const Args&... args) { return absl::HashOf(args...); }

  std::optional<Result> Find(std::size_t hash, const Args&... args) {
    const std::tuple<const Args&...> key(args...);
    std::unique_lock<std::mutex> lock(mutex_);
    const auto found = index_.find(Probe{hash, key});
    if (found == index_.end()) return std::nullopt;
    if (*found != entries_.begin()) {
      entries_.splice(entries_.begin(), entries_, *found);
    }
    if constexpr (kSmall) {
      return (*found)->kept;
    } else {
      const Kept kept = (*found)->kept;
      lock.unlock();
      return *kept;
    }
  }

  void Insert(std::size_t hash, const Args&... args, const Result& result) {
    Entries fresh;
    if constexpr (kSmall) {
      fresh.push_back({hash, {args...}, result});
    } else {
      fresh.push_back({hash, {args...}, std::make_shared<Result>(result)});
    }
    Entries dropped;
    const std::lock_guard<std::mutex> lock(mutex_);
    // Another thread may have been faster.
    if (!index_.insert(fresh.begin()).second) return;
    entries_.splice(entries_.begin(), fresh);
    if (entries_.size() <= capacity_) return;
    const auto last = std::prev(entries_.end());
    index_.erase(last);
    dropped.splice(dropped.begin(), entries_, last);
  }

 private:
  // What is cheap to copy is copied under the lock; the rest is shared.
  static constexpr bool kSmall =
      std::is_trivially_copyable_v<Result> && sizeof(Result) <= 64;
  using Kept =
      std::conditional_t<kSmall, Result, std::shared_ptr<const Result>>;

  struct Entry {
    std::size_t hash;
    std::tuple<Args...> key;
    Kept kept;
  };
  using Entries = std::list<Entry>;
  using Position = typename Entries::iterator;

  struct Probe {
    std::size_t hash;
    const std::tuple<const Args&...>& key;
  };
  struct HashOf {
    using is_transparent = void;
    std::size_t operator()(Position at) const { return at->hash; }
    std::size_t operator()(const Probe& probe) const { return probe.hash; }
  };
  struct SameKey {
    using is_transparent = void;
    bool operator()(Position a, Position b) const { return a->key == b->key; }
    bool operator()(Position at, const Probe& probe) const {
      return at->key == probe.key;
    }
    bool operator()(const Probe& probe, Position at) const {
      return at->key == probe.key;
    }
  };

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  Entries entries_;
  absl::flat_hash_set<Position, HashOf, SameKey> index_;
};

template <typename T>
concept Key = std::copy_constructible<T> && std::equality_comparable<T> &&
    requires(const T& value) {
  absl::Hash<T>()(value);
};

template <typename Handler>
struct ArgumentsOf {
  using List = void;
};
template <NamesMethod Handler>
struct ArgumentsOf<Handler> {
  using List = typename Handler::Method::Arguments;
};

}  // namespace memoized_internal

struct MemoizedOptions {
  // How many results are kept; 0 keeps none. The least recently used is dropped
  // for a new one.
  std::size_t capacity = 1024;
};

// A handler that remembers its results, by their arguments:
//
//   using Handler = Memoized<Fibonacci<mpz_class>>;
//
// For handlers whose result depends on nothing but the arguments, and is more
// work than a look-up. The arguments must have absl::Hash, == and copies, the
// result copies. Failures are not remembered, and nothing is after an
// exception. A handler that takes a ServerContext gets that of the call that
// ran it.
//
// Thread-safe as the handler is: it runs outside the lock, so that two threads
// that miss the same arguments at once both run it, and one result is kept.
// Move-only: a moved-from object must not be called.
template <typename Handler,
          typename Arguments =
              typename memoized_internal::ArgumentsOf<Handler>::List>
class Memoized {
  static_assert(NamesMethod<Handler>,
                "Memoized: Handler must name its method, `using Method = "
                "rpc::Method<\"name\", Result(Args...)>;`; see "
                "rpc/handler/handler_policy.h.");
};

template <typename Handler, typename... Args>
class Memoized<Handler, std::tuple<Args...>> {
  static_assert((memoized_internal::Key<Args> && ...),
                "Memoized: each argument must have absl::Hash, == and a copy "
                "constructor; see rpc/handler/memoized.h.");

 public:
  using Method = typename Handler::Method;
  using Options = MemoizedOptions;

  static_assert(Handles<Handler, Method>,
                "Memoized: Handler must have `Result operator()(const "
                "Args&...) const` for its method; see "
                "rpc/handler/handler_policy.h.");
  static_assert(!std::is_same_v<typename Method::Result, Empty> &&
                    std::copy_constructible<typename Method::Result>,
                "Memoized: the method must have a result, and one that can be "
                "copied; see rpc/handler/memoized.h.");

  Memoized() : Memoized(Handler()) {}
  explicit Memoized(Handler handler, Options options = {})
      : handler_(std::move(handler)),
        cache_(std::make_unique<Cache>(options.capacity)) {}

  auto operator()(const Args&... args) const
      requires(!TakesContext<Handler, Method>) {
    return Recall([&] { return handler_(args...); }, args...);
  }
  auto operator()(const ServerContext& context, const Args&... args)
      const requires TakesContext<Handler, Method> {
    return Recall([&] { return handler_(context, args...); }, args...);
  }

 private:
  using Result = typename Method::Result;
  using Cache = memoized_internal::LruCache<Result, Args...>;

  // What the cache has for `args`, else what `run` returns.
  template <typename Run>
  auto Recall(const Run& run, const Args&... args) const {
    using Returned = std::invoke_result_t<const Run&>;
    const std::size_t hash = Cache::Hash(args...);
    if (std::optional<Result> kept = cache_->Find(hash, args...)) {
      return Returned(*std::move(kept));
    }
    Returned returned = run();
    if constexpr (std::is_same_v<Returned, Result>) {
      cache_->Insert(hash, args..., returned);
    } else {
      if (returned.ok()) cache_->Insert(hash, args..., *returned);
    }
    return returned;
  }

  [[no_unique_address]] Handler handler_;
  std::unique_ptr<Cache> cache_;
};

}  // namespace rpc

#endif  // RPC_HANDLER_MEMOIZED_H_
