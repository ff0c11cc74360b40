#include "tests/lint/includes.h"

#include <cstddef>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace rpc::testing {
namespace {

constexpr std::string_view kBlank = " \t";

// What follows `#include` on this line, or nothing.
std::string IncludeOn(std::string_view line) {
  for (std::string_view token : {"#", "include"}) {
    const std::size_t start = line.find_first_not_of(kBlank);
    if (start == line.npos || line.substr(start, token.size()) != token) {
      return "";
    }
    line.remove_prefix(start + token.size());
  }
  const std::size_t open = line.find_first_not_of(kBlank);
  if (open == line.npos) return "";
  const std::size_t close = line.find_first_of(">\"", open + 1);
  return std::string(line.substr(open, close - open + 1));
}

std::vector<std::string> OwnHeaders(const SourceTree& headers,
                                    const std::string& text) {
  std::vector<std::string> own;
  for (const Include& include : IncludesOf(text)) {
    const std::string path = include.what.substr(1, include.what.size() - 2);
    if (include.what[0] == '"' && headers.count(path) != 0) {
      own.push_back(path);
    }
  }
  return own;
}

// Walks the headers depth first; `trail` is the way to where it is.
class Walk {
 public:
  explicit Walk(const SourceTree& headers) : headers_(headers) {}

  void Visit(const std::string& header) {
    for (std::size_t i = 0; i < trail_.size(); ++i) {
      if (trail_[i] == header) return AddCircle(i);
    }
    if (!visited_.insert(header).second) return;
    trail_.push_back(header);
    for (const std::string& next : OwnHeaders(headers_, headers_.at(header))) {
      Visit(next);
    }
    trail_.pop_back();
  }

  const std::vector<std::string>& circles() const { return circles_; }

 private:
  void AddCircle(std::size_t first) {
    std::string sentence = "circle of #includes: ";
    for (std::size_t i = first; i < trail_.size(); ++i) {
      sentence += trail_[i] + " -> ";
    }
    circles_.push_back(sentence + trail_[first]);
  }

  const SourceTree& headers_;
  std::vector<std::string> trail_;
  std::set<std::string> visited_;
  std::vector<std::string> circles_;
};

}  // namespace

std::vector<Include> IncludesOf(std::string_view text) {
  std::vector<Include> includes;
  std::istringstream lines{std::string(text)};
  std::string line;
  for (std::size_t number = 1; std::getline(lines, line); ++number) {
    std::string what = IncludeOn(line);
    if (what.size() > 2) includes.push_back({number, what});
  }
  return includes;
}

std::vector<std::string> Circles(const SourceTree& headers) {
  Walk walk(headers);
  for (const auto& [header, text] : headers) walk.Visit(header);
  return walk.circles();
}

}  // namespace rpc::testing
