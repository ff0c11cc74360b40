#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "rpc/amqp/url.h"
#include "rpc/base/status.h"
#include "tests/fuzz/require.h"

// Urls as they may stand in a configuration.
namespace rpc::amqp {
namespace {

using ::rpc::fuzz::Require;

constexpr std::string_view kSecret = "Gf7rJw2QzLmX";

void CheckAddress(const Address& address) {
  Require(!address.host.empty(), "an address has a host");
  Require(address.port != 0, "an address has a port");
  Require(!address.vhost.empty(), "an address has a vhost");
  const std::string printable = Printable(address);
  Require(printable.starts_with(address.tls ? "amqps://" : "amqp://"),
          "what is printed names the scheme");
  Require(printable.find(address.host) != std::string::npos,
          "what is printed names the host");
}

void CheckParse(std::string_view url) {
  const auto address = ParseUrl(url);
  if (address.ok()) return CheckAddress(*address);
  Require(absl::IsInvalidArgument(address.status()),
          "a refusal is INVALID_ARGUMENT");
  Require(address.status().message().find(ToAbsl(kSecret)) ==
              absl::string_view::npos,
          "a refusal repeats no password");
}

void CheckPassword(std::string_view tail) {
  const std::string url =
      "amqp://user:" + std::string(kSecret) + "@" + std::string(tail);
  CheckParse(url);
  const auto address = ParseUrl(url);
  if (!address.ok()) return;
  Require(address->password == kSecret, "the password is the one given");
  Require(Printable(*address).find(kSecret) == std::string::npos,
          "what is printed has no password");
}

}  // namespace
}  // namespace rpc::amqp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // libFuzzer learns what it is compared with.
  if (text.find(rpc::amqp::kSecret) != std::string_view::npos) return 0;
  rpc::amqp::CheckParse(text);
  rpc::amqp::CheckPassword(text);
  return 0;
}
