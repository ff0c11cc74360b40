#include "tests/lint/floors.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tests/lint/includes.h"

namespace rpc::testing {
namespace {

bool IsPartOfName(char c) { return c != '.' && c != '/'; }

// Whether `text` fits `pattern`, where `*` is a part of a name, maybe empty.
bool Fits(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] != '*') {
    return !text.empty() && pattern[0] == text[0] &&
           Fits(pattern.substr(1), text.substr(1));
  }
  if (Fits(pattern.substr(1), text)) return true;
  return !text.empty() && IsPartOfName(text[0]) &&
         Fits(pattern, text.substr(1));
}

std::vector<std::string> Words(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

}  // namespace

absl::StatusOr<Floors> Floors::Parse(std::string_view text) {
  Floors floors;
  std::istringstream lines{std::string(text)};
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    const std::vector<std::string> words = Words(line);
    if (words.empty() || words[0][0] == '#') continue;
    if (!floors.AddLine(words)) {
      return absl::InvalidArgumentError(
          absl::StrCat("FLOORS:", number, ": expected `name NAME INCLUDE...` ",
                       "or `HEADER LINES NAME...`, of known names: ", line));
    }
  }
  if (floors.floors_.empty()) {
    return absl::InvalidArgumentError("FLOORS: has no row for any header");
  }
  return floors;
}

bool Floors::AddLine(const std::vector<std::string>& words) {
  if (words.size() < 3) return false;
  if (words[0] == "name") {
    names_.push_back({words[1], {words.begin() + 2, words.end()}});
    return true;
  }
  Floor floor;
  floor.header = words[0];
  floor.lines = std::strtoul(words[1].c_str(), nullptr, 10);
  floor.may_include.assign(words.begin() + 2, words.end());
  const bool known =
      std::all_of(floor.may_include.begin(), floor.may_include.end(),
                  [&](const std::string& name) { return Knows(name); });
  if (floor.lines == 0 || !known) return false;
  floors_.push_back(floor);
  return true;
}

bool Floors::Knows(std::string_view name) const {
  return std::any_of(names_.begin(), names_.end(),
                     [&](const Name& known) { return known.name == name; });
}

std::string Floors::NameOf(std::string_view include) const {
  for (const Name& name : names_) {
    for (const std::string& pattern : name.includes) {
      if (Fits(pattern, include)) return name.name;
    }
  }
  return "";
}

const Floors::Floor* Floors::FloorOf(std::string_view header) const {
  for (const Floor& floor : floors_) {
    if (Fits(floor.header, header)) return &floor;
  }
  return nullptr;
}

void Floors::CheckHeader(const std::string& header, const std::string& text,
                         std::vector<std::string>& breaches) const {
  const Floor* floor = FloorOf(header);
  if (floor == nullptr) {
    breaches.push_back(header + ": FLOORS has no row for it");
    return;
  }
  const auto lines =
      static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  if (lines > floor->lines) {
    breaches.push_back(absl::StrCat(header, ": has ", lines,
                                    " lines, and may have ", floor->lines));
  }
  for (const Include& include : IncludesOf(text)) {
    const std::string name = NameOf(include.what);
    const auto& allowed = floor->may_include;
    if (std::find(allowed.begin(), allowed.end(), name) != allowed.end()) {
      continue;
    }
    breaches.push_back(absl::StrCat(
        header, ":", include.line, ": includes ", include.what, " (",
        name.empty() ? "unknown to FLOORS" : name, "), and may include ",
        "only what FLOORS allows to ", floor->header));
  }
}

std::vector<std::string> Floors::Breaches(const SourceTree& headers) const {
  std::vector<std::string> breaches;
  for (const auto& [header, text] : headers) {
    CheckHeader(header, text, breaches);
  }
  const std::vector<std::string> circles = Circles(headers);
  breaches.insert(breaches.end(), circles.begin(), circles.end());
  return breaches;
}

}  // namespace rpc::testing
