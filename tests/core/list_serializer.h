#ifndef RPC_TESTS_CORE_LIST_SERIALIZER_H_
#define RPC_TESTS_CORE_LIST_SERIALIZER_H_

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc/base/bytes.h"

namespace rpc::testing {

// A number on the heap: can be moved and not copied.
using Heavy = std::unique_ptr<std::int64_t>;

// Numbers, texts without commas, and lists of them with commas between: what
// methods with several arguments need, in the fewest lines.
class ListSerializer {
 public:
  static constexpr std::string_view kContentType = "text/x-list";

  // The text that cannot be encoded.
  static constexpr std::string_view kUnspeakable = "unspeakable";

  void Encode(std::int64_t value, Bytes& body) const {
    const std::string text = std::to_string(value);
    body.append(text.data(), text.size());
  }
  void Encode(const Heavy& value, Bytes& body) const { Encode(*value, body); }
  absl::Status Encode(const std::string& value, Bytes& body) const {
    if (value == kUnspeakable) {
      return absl::InvalidArgumentError("this text does not travel");
    }
    body.append(value.data(), value.size());
    return absl::OkStatus();
  }
  template <typename... Ts>
  void Encode(const std::tuple<Ts...>& values, Bytes& body) const {
    std::size_t left = sizeof...(Ts);
    const auto append = [&](const auto& value) {
      static_cast<void>(Encode(value, body));
      if (--left > 0) body.append(",", 1);
    };
    std::apply([&](const Ts&... each) { (append(each), ...); }, values);
  }

  template <typename T>
  absl::StatusOr<T> Decode(std::string_view body) const {
    return Reader<T>::Read(body);
  }

 private:
  template <typename T>
  struct Reader;
};

template <>
struct ListSerializer::Reader<std::string> {
  static absl::StatusOr<std::string> Read(std::string_view body) {
    return std::string(body);
  }
};
template <>
struct ListSerializer::Reader<std::int64_t> {
  static absl::StatusOr<std::int64_t> Read(std::string_view body) {
    std::int64_t value = 0;
    const char* const end = body.data() + body.size();
    const auto [stop, error] = std::from_chars(body.data(), end, value);
    if (error != std::errc() || stop != end) {
      return absl::InvalidArgumentError("no number");
    }
    return value;
  }
};
template <>
struct ListSerializer::Reader<Heavy> {
  static absl::StatusOr<Heavy> Read(std::string_view body) {
    auto value = Reader<std::int64_t>::Read(body);
    if (!value.ok()) return value.status();
    return std::make_unique<std::int64_t>(*value);
  }
};
template <typename... Ts>
struct ListSerializer::Reader<std::tuple<Ts...>> {
  static absl::StatusOr<std::tuple<Ts...>> Read(std::string_view body) {
    absl::Status status;
    std::size_t left = sizeof...(Ts);
    const auto next = [&]<typename T>(T*) {
      const std::size_t comma = body.find(',');
      const bool is_last = --left == 0;
      if (is_last != (comma == body.npos)) {
        status = absl::InvalidArgumentError("another number of elements");
        return T();
      }
      auto value = Reader<T>::Read(body.substr(0, comma));
      status.Update(value.status());
      if (!is_last) body.remove_prefix(comma + 1);
      return value.ok() ? *std::move(value) : T();
    };
    // Braces: from left to right.
    std::tuple<Ts...> read{next(static_cast<Ts*>(nullptr))...};
    if (!status.ok()) return status;
    return read;
  }
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_CORE_LIST_SERIALIZER_H_
