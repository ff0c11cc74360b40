#ifndef TESTS_LAWS_BROKEN_LAW_H_
#define TESTS_LAWS_BROKEN_LAW_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "rpc/base/status.h"

namespace rpc::laws {

// What a law returns that does not hold: its name, then what was seen.
inline absl::Status Broken(std::string_view law, std::string_view seen) {
  return MakeStatus(absl::StatusCode::kFailedPrecondition,
                    std::string(law) + ": " + std::string(seen));
}

// `bytes` for a message: cut short, with what is not printable in hexadecimal.
inline std::string Printable(std::string_view bytes) {
  constexpr std::size_t kMaxShown = 80;
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text = "\"";
  for (const char c : bytes.substr(0, kMaxShown)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7F) {
      text += c;
    } else {
      text += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  text += bytes.size() > kMaxShown ? "\"..." : "\"";
  return text + " (" + std::to_string(bytes.size()) + " bytes)";
}

}  // namespace rpc::laws

#endif  // TESTS_LAWS_BROKEN_LAW_H_
