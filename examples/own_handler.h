#ifndef EXAMPLES_OWN_HANDLER_H_
#define EXAMPLES_OWN_HANDLER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "rpc/message/method.h"
#include "rpc/message/server_context.h"

namespace examples {

// A handler with state: a bank account for each name. It is called from several
// threads at once, hence the mutex; and since RabbitMQ delivers at least once,
// it remembers by message id what it has booked.
class Deposit {
 public:
  using Method =
      rpc::Method<"deposit", std::int64_t(std::string, std::int64_t)>;

  absl::StatusOr<std::int64_t> operator()(const rpc::ServerContext& context,
                                          const std::string& account,
                                          std::int64_t amount) const {
    if (amount <= 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("amount ", amount, ": deposit at least 1"));
    }
    const std::lock_guard lock(books_->mutex);
    const std::string id(context.message_id);
    if (!id.empty() && !books_->booked.emplace(id, account).second) {
      return books_->balances[account];
    }
    return books_->balances[account] += amount;
  }

 private:
  struct Books {
    std::mutex mutex;
    std::map<std::string, std::int64_t> balances;
    std::map<std::string, std::string> booked;
  };
  std::unique_ptr<Books> books_ = std::make_unique<Books>();
};

}  // namespace examples

#endif  // EXAMPLES_OWN_HANDLER_H_
