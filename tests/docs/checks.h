#ifndef RPC_TESTS_DOCS_CHECKS_H_
#define RPC_TESTS_DOCS_CHECKS_H_

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/docs/markdown.h"

// What can be wrong with a document or with an example in a comment: one
// sentence for each fault, over texts, so that faults can be planted.
namespace rpc::testing {

// Files that a compiler reads, by their paths.
using Sources = std::map<std::string, std::string>;

using PathCheck = std::function<bool(const std::string& path)>;

inline std::string At(std::size_t line) {
  return "line " + std::to_string(line) + ": ";
}

// Whether `lines` stand in `source`, one after the other, indentation aside.
inline bool StandIn(const std::vector<std::string>& lines,
                    const std::string& source) {
  const auto same = [](const std::string& a, const std::string& b) {
    return WithoutIndentation(a) == WithoutIndentation(b);
  };
  const std::vector<std::string> all = LinesOf(source);
  return std::search(all.begin(), all.end(), lines.begin(), lines.end(),
                     same) != all.end();
}

inline std::vector<std::string> UnknownLanguages(const std::string& markdown) {
  std::vector<std::string> faults;
  for (const FencedBlock& block : BlocksOf(markdown)) {
    const auto& known = {"cpp", "sh", "python", "text"};
    if (!block.closed) {
      faults.push_back(At(block.line) + "the block has no end");
    } else if (std::find(known.begin(), known.end(), block.language) ==
               known.end()) {
      faults.push_back(At(block.line) + "unknown language \"" + block.language +
                       "\"; use cpp, sh, python or text");
    }
  }
  return faults;
}

inline std::vector<std::string> BlocksNotCompiled(const std::string& markdown,
                                                  const Sources& sources) {
  std::vector<std::string> faults;
  for (const FencedBlock& block : BlocksOf(markdown)) {
    if (block.language != "cpp") continue;
    if (block.lines.empty()) {
      faults.push_back(At(block.line) + "the block is empty");
    } else if (std::none_of(sources.begin(), sources.end(),
                            [&](const auto& source) {
                              return StandIn(block.lines, source.second);
                            })) {
      faults.push_back(At(block.line) + "no source has the block of \"" +
                       WithoutIndentation(block.lines.front()) + "\"");
    }
  }
  return faults;
}

// Links that leave the repository are not followed.
inline std::vector<std::string> BrokenLinks(const std::string& markdown,
                                            const PathCheck& exists) {
  std::vector<std::string> faults;
  for (const Link& link : LinksOf(markdown)) {
    const std::string path = link.target.substr(0, link.target.find('#'));
    if (link.target.find("://") != std::string::npos) continue;
    if (link.target.rfind('#', 0) == 0) continue;
    if (path.empty() || !exists(path)) {
      faults.push_back(At(link.line) + "there is no \"" + link.target + "\"");
    }
  }
  return faults;
}

inline std::vector<std::string> CommandsNotThere(
    const std::string& markdown, const PathCheck& is_executable) {
  std::vector<std::string> faults;
  for (const FencedBlock& block : BlocksOf(markdown)) {
    if (block.language != "sh") continue;
    for (const std::string& line : block.lines) {
      std::string command;
      std::istringstream(line) >> command;
      if (command.empty() || command[0] == '#') continue;
      if (!is_executable(command)) {
        faults.push_back(At(block.line) + "\"" + command +
                         "\" is no executable file of this repository");
      }
    }
  }
  return faults;
}

// The examples in a source's comments: lines that stand three spaces or more
// from the slashes, up to the first that does not.
inline std::vector<std::vector<std::string>> ExamplesOf(
    const std::string& source) {
  std::vector<std::vector<std::string>> examples;
  bool within = false;
  for (const std::string& line : LinesOf(source)) {
    const std::string text = WithoutIndentation(line);
    const bool is_example = text.rfind("//   ", 0) == 0;
    if (is_example && !within) examples.emplace_back();
    if (is_example) {
      examples.back().push_back(WithoutIndentation(text.substr(2)));
    }
    within = is_example;
  }
  return examples;
}

// A comment's lines are shorter than the code's, so that a formatter breaks
// them elsewhere.
inline std::string WithoutSpace(std::string text) {
  text.erase(std::remove_if(text.begin(), text.end(),
                            [](unsigned char c) { return std::isspace(c); }),
             text.end());
  return text;
}

inline std::vector<std::string> ExamplesNotCompiled(const std::string& header,
                                                    const Sources& sources) {
  std::vector<std::string> faults;
  for (const auto& lines : ExamplesOf(header)) {
    std::string example;
    for (const std::string& line : lines) example += line;
    example = WithoutSpace(example);
    if (std::none_of(sources.begin(), sources.end(), [&](const auto& source) {
          return WithoutSpace(source.second).find(example) != std::string::npos;
        })) {
      faults.push_back("no source has the example of \"" + lines.front() +
                       "\"");
    }
  }
  return faults;
}

}  // namespace rpc::testing

#endif  // RPC_TESTS_DOCS_CHECKS_H_
