#ifndef TESTS_LAWS_HOSTILE_TEXTS_H_
#define TESTS_LAWS_HOSTILE_TEXTS_H_

#include <algorithm>
#include <cstddef>
#include <functional>
#include <random>
#include <string>
#include <string_view>

namespace rpc::laws {

// Calls `visit` with bodies that no encoder writes: damaged forms of `sample`,
// a valid body, then noise. The same for the same seed.
class HostileTexts {
 public:
  explicit HostileTexts(unsigned seed) : random_(seed) {}

  void ForEach(const std::string& sample,
               const std::function<void(std::string_view)>& visit) {
    Truncated(sample, visit);
    Mutated(sample, visit);
    Noise(visit);
    Known(visit);
  }

 private:
  static constexpr std::size_t kRounds = 200;

  static void Truncated(const std::string& sample,
                        const std::function<void(std::string_view)>& visit) {
    const std::size_t step = std::max<std::size_t>(sample.size() / kRounds, 1);
    for (std::size_t size = 0; size < sample.size(); size += step) {
      visit(std::string_view(sample).substr(0, size));
      visit(std::string_view(sample).substr(sample.size() - size));
    }
  }

  void Mutated(const std::string& sample,
               const std::function<void(std::string_view)>& visit) {
    for (std::size_t i = 0; i < kRounds; ++i) {
      std::string text = sample;
      const std::size_t at = Below(text.size() + 1);
      switch (Below(4)) {
        case 0:
          text.insert(at, 1, Byte());
          break;
        case 1:
          text.erase(at, 1);
          break;
        case 2:
          text.insert(at, text);
          break;
        default:
          text.replace(at, 1, 1, Byte());
      }
      visit(text);
    }
  }

  void Noise(const std::function<void(std::string_view)>& visit) {
    // Half of it from what number and JSON readers treat specially.
    constexpr std::string_view kSpecial = "0123456789+-.eExX_ \t\"\\[]{},:tfn";
    for (std::size_t i = 0; i < kRounds; ++i) {
      std::string text(Below(64), '\0');
      for (char& c : text) {
        c = i % 2 == 0 ? Byte() : kSpecial[Below(kSpecial.size())];
      }
      visit(text);
    }
  }

  static void Known(const std::function<void(std::string_view)>& visit) {
    using namespace std::string_view_literals;
    for (const std::string_view text :
         {""sv, "\0"sv, " "sv, "-"sv, "+"sv, "--1"sv, "0x7"sv, "1e999"sv,
          "NaN"sv, "null"sv, "{}"sv, "[]"sv, "\"\xC3\x28\""sv, "\xEF\xBB\xBF"sv,
          "\"\\ud800\""sv, "9\0"sv}) {
      visit(text);
    }
    constexpr std::size_t kLong = 1 << 17;
    for (const char c : "09-[{\" "sv) visit(std::string(kLong, c));
  }

  std::size_t Below(std::size_t limit) { return random_() % limit; }
  char Byte() { return static_cast<char>(Below(256)); }

  std::mt19937 random_;
};

}  // namespace rpc::laws

#endif  // TESTS_LAWS_HOSTILE_TEXTS_H_
