#ifndef EXAMPLES_OWN_HANDLER_H_
#define EXAMPLES_OWN_HANDLER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "rpc/message/method.h"

namespace examples {

// A handler with state: a bank account for each name. It is called from several
// threads at once, hence the mutex; and since RabbitMQ delivers at least once,
// a voucher that comes again is not booked again and ends as it did before.
class Deposit {
 public:
  // The new balance, for (voucher, account, amount).
  using Method = rpc::Method<"deposit", std::int64_t(std::string, std::string,
                                                     std::int64_t)>;

  absl::StatusOr<std::int64_t> operator()(const std::string& voucher,
                                          const std::string& account,
                                          std::int64_t amount) const {
    if (amount <= 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("amount ", amount, ": deposit at least 1"));
    }
    const std::lock_guard lock(books_->mutex);
    const auto [booked, is_new] = books_->booked.try_emplace(voucher);
    if (is_new) booked->second = books_->balances[account] += amount;
    return booked->second;
  }

 private:
  struct Books {
    std::mutex mutex;
    std::map<std::string, std::int64_t> balances;
    // The balance after each voucher.
    std::map<std::string, std::int64_t> booked;
  };
  std::unique_ptr<Books> books_ = std::make_unique<Books>();
};

}  // namespace examples

#endif  // EXAMPLES_OWN_HANDLER_H_
