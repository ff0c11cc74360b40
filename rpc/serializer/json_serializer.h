#ifndef RPC_SERIALIZER_JSON_SERIALIZER_H_
#define RPC_SERIALIZER_JSON_SERIALIZER_H_

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <new>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "rpc/base/bytes.h"
#include "rpc/base/status.h"

namespace rpc {

namespace json_internal {

using Json = nlohmann::json;

// Arrays and objects within each other; what is deeper is refused before
// anything recurses into it.
inline constexpr int kMaxDepth = 64;

// How deep a text is nested, if it is JSON; any number if it is not.
inline int DepthOf(std::string_view text) {
  int depth = 0;
  int deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

inline absl::Status TooDeep() {
  return absl::InvalidArgumentError("JSON nested deeper than " +
                                    std::to_string(kMaxDepth) + " levels");
}

// What has to hold before `text` is parsed.
inline absl::Status CheckText(std::string_view text) {
  if (DepthOf(text) > kMaxDepth) return TooDeep();
  // To nlohmann's parser it is the end of the text.
  if (text.find('\0') != std::string_view::npos) {
    return absl::InvalidArgumentError("JSON text with a zero byte");
  }
  return absl::OkStatus();
}

// INVALID_ARGUMENT for what dump() would write as null, or recurse too far in.
inline absl::Status CheckTravels(const Json& json, int depth = 1) {
  if (json.is_number_float() && !std::isfinite(json.get<double>())) {
    return absl::InvalidArgumentError(
        "JSON has no infinity and no NaN; send null or a string");
  }
  if (!json.is_structured()) return absl::OkStatus();
  if (depth > kMaxDepth) return TooDeep();
  for (const Json& element : json) {
    absl::Status status = CheckTravels(element, depth + 1);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

inline absl::Status Unlike(const std::string& expected, const Json& json) {
  std::string got = json.type_name();
  if (json.is_number()) got = json.dump();
  if (json.is_array()) got += " of " + std::to_string(json.size());
  return absl::InvalidArgumentError("expected " + expected + ", got " + got);
}

template <typename T>
inline constexpr bool kIsInteger =
    std::integral<T> && !std::is_same_v<T, bool> && !std::is_same_v<T, char> &&
    !std::is_same_v<T, wchar_t> && !std::is_same_v<T, char8_t> &&
    !std::is_same_v<T, char16_t> && !std::is_same_v<T, char32_t>;

template <typename T>
inline constexpr bool kIsTuple = false;
template <typename... Ts>
inline constexpr bool kIsTuple<std::tuple<Ts...>> = true;
template <typename T, typename U>
inline constexpr bool kIsTuple<std::pair<T, U>> = true;

template <typename T>
absl::Status CheckInteger(const Json& json) {
  bool fits = false;
  if (json.is_number_unsigned()) {
    fits = std::in_range<T>(json.get<std::uint64_t>());
  } else if (json.is_number_integer()) {
    fits = std::in_range<T>(json.get<std::int64_t>());
  } else if (!json.is_number_float() || std::abs(json.get<double>()) < 0x1p63) {
    return Unlike("an integer", json);
  }
  if (fits) return absl::OkStatus();
  return absl::OutOfRangeError(json.dump() + " does not fit: send " +
                               std::to_string(std::numeric_limits<T>::min()) +
                               " to " +
                               std::to_string(std::numeric_limits<T>::max()));
}

template <typename T>
absl::Status CheckFloat(const Json& json) {
  if (!json.is_number()) return Unlike("a number", json);
  if (std::abs(json.get<double>()) > std::numeric_limits<T>::max()) {
    return absl::OutOfRangeError(json.dump() + " does not fit");
  }
  return absl::OkStatus();
}

template <typename T>
absl::Status CheckFits(const Json& json);

template <typename Tuple, std::size_t... kIndices>
absl::Status CheckTuple(const Json& json, std::index_sequence<kIndices...>) {
  if (!json.is_array() || json.size() != sizeof...(kIndices)) {
    return Unlike("array of " + std::to_string(sizeof...(kIndices)), json);
  }
  absl::Status status;
  static_cast<void>(((status = CheckFits<std::tuple_element_t<kIndices, Tuple>>(
                          json[kIndices]),
                      status.ok()) &&
                     ...));
  return status;
}

// Where nlohmann's own conversion to T would change the value silently (300
// becomes a std::uint8_t of 44, 1.5 an int, a third element is dropped), says
// so. What T's own from_json does is T's.
template <typename T>
absl::Status CheckFits(const Json& json) {
  if constexpr (kIsInteger<T>) {
    return CheckInteger<T>(json);
  } else if constexpr (std::floating_point<T>) {
    return CheckFloat<T>(json);
  } else if constexpr (kIsTuple<T>) {
    return CheckTuple<T>(json,
                         std::make_index_sequence<std::tuple_size_v<T>>());
  } else if constexpr (std::is_same_v<T, Json>) {
    return absl::OkStatus();
  } else {
    absl::Status status;
    if constexpr (requires { typename T::mapped_type; }) {
      for (const Json& element : json) {
        if (status.ok()) status = CheckFits<typename T::mapped_type>(element);
      }
    } else if constexpr (requires { typename T::value_type; }) {
      if (!json.is_array()) return status;
      for (const Json& element : json) {
        if (status.ok()) status = CheckFits<typename T::value_type>(element);
      }
    }
    return status;
  }
}

// What `run()` returns, or the status of what it threw.
template <typename Run>
auto WithoutExceptions(const Run& run) -> decltype(run()) {
  // 406 is a number of too large an exponent.
  constexpr int kNumberOverflow = 406;
  constexpr std::size_t kMaxMessage = 200;
  const auto cut = [](const std::exception& e) {
    return std::string(e.what()).substr(0, kMaxMessage);
  };
  try {
    return run();
  } catch (const Json::out_of_range& e) {
    return MakeStatus(e.id == kNumberOverflow
                          ? absl::StatusCode::kOutOfRange
                          : absl::StatusCode::kInvalidArgument,
                      cut(e));
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory for a JSON body");
  } catch (const std::exception& e) {
    return absl::InvalidArgumentError(cut(e));
  } catch (...) {
    return absl::InvalidArgumentError("a JSON conversion threw");
  }
}

}  // namespace json_internal

// Anything that nlohmann's JSON library converts: numbers, strings, containers,
// tuples (a method's several arguments are one, an array), and your own types
// through `to_json` and `from_json`, move-only ones and those without a default
// constructor included:
//
//   struct Point { int x; int y; };
//   NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Point, x, y)
//
//   template <>
//   struct nlohmann::adl_serializer<Ticket> {
//     static void to_json(json& j, const Ticket& ticket);
//     static Ticket from_json(const json& j);
//   };
//
// Strict: the whole body is one JSON text, at most 64 levels deep, and numbers
// that are a body, or elements of its tuples and containers, have to fit
// exactly. Members that from_json reads are narrowed as nlohmann narrows them:
// to another number, and 1e300 to an integer without any defined meaning. Read
// what a stranger sends as double, or check is_number_integer() before.
//
// Encode appends nothing and answers INVALID_ARGUMENT for strings that are not
// UTF-8, for infinities and NaN, and for what is too deep to be read again.
// Decode answers INVALID_ARGUMENT, or OUT_OF_RANGE for a number that does not
// fit. What a to_json or from_json throws becomes INVALID_ARGUMENT. Stateless;
// thread-safe.
class JsonSerializer {
 public:
  static constexpr std::string_view kContentType = "application/json";

  template <typename T, ByteSink Sink>
  requires std::constructible_from<nlohmann::json, const T&> absl::Status
  Encode(const T& value, Sink& body)
  const {
    return json_internal::WithoutExceptions([&]() -> absl::Status {
      const nlohmann::json json = value;
      absl::Status status = json_internal::CheckTravels(json);
      if (!status.ok()) return status;
      const std::string text = json.dump();
      body.append(text.data(), text.size());
      return absl::OkStatus();
    });
  }

  template <typename T>
  requires requires(const nlohmann::json& json) { json.get<T>(); }
  absl::StatusOr<T> Decode(std::string_view body) const {
    return json_internal::WithoutExceptions([&]() -> absl::StatusOr<T> {
      absl::Status status = json_internal::CheckText(body);
      if (!status.ok()) return status;
      const auto json = nlohmann::json::parse(body);
      status = json_internal::CheckFits<T>(json);
      if (!status.ok()) return status;
      return json.get<T>();
    });
  }
};

}  // namespace rpc

#endif  // RPC_SERIALIZER_JSON_SERIALIZER_H_
