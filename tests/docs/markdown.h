#ifndef RPC_TESTS_DOCS_MARKDOWN_H_
#define RPC_TESTS_DOCS_MARKDOWN_H_

#include <cstddef>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace rpc::testing {

// Lines of a text between two fences.
struct FencedBlock {
  // Of its first fence, from 1.
  std::size_t line = 0;
  // What follows the first fence.
  std::string language;
  std::vector<std::string> lines;
  // False if the text ends before the second fence.
  bool closed = false;
};

struct Link {
  std::size_t line = 0;
  std::string target;
};

inline std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

inline std::string WithoutIndentation(const std::string& line) {
  const std::size_t begin = line.find_first_not_of(" \t");
  return begin == std::string::npos ? "" : line.substr(begin);
}

// Calls on_block(FencedBlock), and on_line(number, line) for lines outside.
template <typename OnBlock, typename OnLine>
void WalkMarkdown(const std::string& markdown, OnBlock on_block,
                  OnLine on_line) {
  FencedBlock block;
  std::size_t number = 0;
  for (const std::string& line : LinesOf(markdown)) {
    ++number;
    const std::string text = WithoutIndentation(line);
    const bool is_fence = text.rfind("```", 0) == 0;
    if (block.line == 0 && is_fence) {
      block.line = number;
      block.language = text.substr(3);
    } else if (block.line == 0) {
      on_line(number, line);
    } else if (is_fence) {
      block.closed = true;
      on_block(block);
      block = FencedBlock();
    } else {
      block.lines.push_back(line);
    }
  }
  if (block.line != 0) on_block(block);
}

inline std::vector<FencedBlock> BlocksOf(const std::string& markdown) {
  std::vector<FencedBlock> blocks;
  WalkMarkdown(
      markdown, [&](const FencedBlock& block) { blocks.push_back(block); },
      [](std::size_t, const std::string&) {});
  return blocks;
}

// Inline links, as [text](target); what stands in `code` is none.
inline std::vector<Link> LinksOf(const std::string& markdown) {
  static const auto& code = *new std::regex("`[^`]*`");
  static const auto& link = *new std::regex("\\]\\(([^()]*)\\)");
  std::vector<Link> links;
  const auto add = [&](std::size_t number, const std::string& line) {
    const std::string text = std::regex_replace(line, code, "");
    for (std::sregex_iterator each(text.begin(), text.end(), link), end;
         each != end; ++each) {
      links.push_back({number, (*each)[1]});
    }
  };
  WalkMarkdown(
      markdown, [](const FencedBlock&) {}, add);
  return links;
}

}  // namespace rpc::testing

#endif  // RPC_TESTS_DOCS_MARKDOWN_H_
