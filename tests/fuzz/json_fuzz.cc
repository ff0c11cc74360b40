#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "rpc/base/bytes.h"
#include "rpc/serializer/json_serializer.h"
#include "tests/fuzz/require.h"

// JSON bodies as a peer may send them, read as each kind of type that
// JsonSerializer treats in its own way.
namespace rpc::fuzz {
namespace {

// With no integer among its members: nlohmann's own conversion of a float that
// is too large for one is undefined, and out of the serializer's hands.
struct Point {
  std::string x = {};
  std::vector<double> y = {};

  friend bool operator==(const Point&, const Point&) = default;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Point, x, y)

constexpr JsonSerializer kSerializer;

// A float takes the nearest value, and a type's own from_json what it likes.
template <typename T>
inline constexpr bool kKeepsAll =
    !std::is_same_v<T, float> && !std::is_same_v<T, Point>;

// Whether it was read.
template <typename T>
bool Check(std::string_view text) {
  const auto value = kSerializer.Decode<T>(text);
  if (!value.ok()) {
    Require(absl::IsInvalidArgument(value.status()) ||
                absl::IsOutOfRange(value.status()),
            "a refusal has one of two codes");
    return false;
  }
  Bytes body;
  Require(kSerializer.Encode(*value, body).ok(),
          "what was read can be written");
  const auto again = kSerializer.Decode<T>(body.view());
  Require(again.ok() && *again == *value, "what was written is read again");
  if constexpr (kKeepsAll<T>) {
    Require(nlohmann::json(*value) == nlohmann::json::parse(text),
            "nothing of it was changed");
  }
  return true;
}

template <typename... Ts>
void CheckAll(std::string_view text) {
  const bool is_json = Check<nlohmann::json>(text);
  const bool is_number = Check<std::int64_t>(text);
  Require(is_json || !is_number, "what is no JSON is no number");
  if (is_json) (Check<Ts>(text), ...);
}

}  // namespace
}  // namespace rpc::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  rpc::fuzz::CheckAll<
      bool, std::int8_t, std::uint8_t, std::int32_t, std::uint64_t, float,
      double, std::string, std::vector<std::uint16_t>,
      std::map<std::string, std::int64_t>,
      std::tuple<std::int64_t, std::string, double>, rpc::fuzz::Point>(
      std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
