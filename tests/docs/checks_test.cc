#include "tests/docs/checks.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/docs/markdown.h"

// Each check says what is wrong with a document in which something is, and
// nothing of one in which nothing is.
namespace rpc::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const char kGood[] =
    "# Title\n"
    "See [this](a/file.h), [that](a#part), [below](#title), [x](http://y/z).\n"
    "Code is no link: `call[0](arguments)`.\n"
    "```sh\n"
    "# A comment.\n"
    "tools/run --fast   # another\n"
    "\n"
    "```\n"
    "```cpp\n"
    "if (x) {\n"
    "  return;\n"
    "}\n"
    "```\n"
    "```text\n"
    "[no](link) -> here\n"
    "```\n";

bool Exists(const std::string& path) {
  return path == "a/file.h" || path == "a";
}
bool IsExecutable(const std::string& path) { return path == "tools/run"; }

const char kSource[] =
    "void F() {\n"
    "    if (x) {\n"
    "        return;\n"
    "    }\n"
    "}\n";

std::vector<std::string> FaultsOf(const std::string& markdown) {
  std::vector<std::string> faults = UnknownLanguages(markdown);
  for (const auto& more : {BlocksNotCompiled(markdown, {{"b.cc", kSource}}),
                           BrokenLinks(markdown, Exists),
                           CommandsNotThere(markdown, IsExecutable)}) {
    faults.insert(faults.end(), more.begin(), more.end());
  }
  return faults;
}

// kGood with one text replaced by another.
std::string With(const std::string& planted, const std::string& instead_of) {
  std::string text = kGood;
  const std::size_t at = text.find(instead_of);
  EXPECT_NE(at, std::string::npos) << instead_of;
  return text.replace(at, instead_of.size(), planted);
}

TEST(Checks, FindNothingInAGoodDocument) {
  EXPECT_THAT(FaultsOf(kGood), IsEmpty());
}

TEST(Checks, FindALanguageThatIsUnknownOrMissing) {
  EXPECT_THAT(FaultsOf(With("```c++", "```cpp")),
              ElementsAre("line 9: unknown language \"c++\"; use cpp, sh, "
                          "python or text"));
  EXPECT_THAT(FaultsOf(With("```\n[", "```text\n[")),
              ElementsAre("line 14: unknown language \"\"; use cpp, sh, python "
                          "or text"));
}

TEST(Checks, FindABlockWithoutAnEnd) {
  EXPECT_THAT(FaultsOf("```text\nsome\n"),
              ElementsAre("line 1: the block has no end"));
}

TEST(Checks, FindAChangedLineOfCode) {
  EXPECT_THAT(FaultsOf(With("  return 0;\n", "  return;\n")),
              ElementsAre("line 9: no source has the block of \"if (x) {\""));
}

TEST(Checks, FindALineOfCodeThatIsMissing) {
  EXPECT_THAT(FaultsOf(With("", "  return;\n")),
              ElementsAre("line 9: no source has the block of \"if (x) {\""));
}

TEST(Checks, FindACodeBlockWithNothingInIt) {
  EXPECT_THAT(FaultsOf("```cpp\n```\n"),
              ElementsAre("line 1: the block is empty"));
}

TEST(Checks, FindALinkToNothing) {
  EXPECT_THAT(FaultsOf(With("(a/fil.h)", "(a/file.h)")),
              ElementsAre("line 2: there is no \"a/fil.h\""));
  EXPECT_THAT(FaultsOf(With("(b#part)", "(a#part)")),
              ElementsAre("line 2: there is no \"b#part\""));
  EXPECT_THAT(FaultsOf(With("()", "(a#part)")),
              ElementsAre("line 2: there is no \"\""));
}

TEST(Checks, FindACommandThatIsNotThere) {
  EXPECT_THAT(FaultsOf(With("tools/walk", "tools/run")),
              ElementsAre("line 4: \"tools/walk\" is no executable file of "
                          "this repository"));
}

const char kHeader[] =
    "// A thing:\n"
    "//\n"
    "//   using Thing = Other<One,\n"
    "//                       Two>;\n"
    "//\n"
    "//   Thing thing;\n"
    "// and its end.\n"
    "class Thing;\n";

TEST(Checks, FindNothingInExamplesThatAreCompiled) {
  EXPECT_THAT(ExamplesNotCompiled(
                  kHeader, {{"a.cc", "using Thing =\n  Other<One, Two>;\n"},
                            {"b.cc", "void F() { Thing thing; }\n"}}),
              IsEmpty());
}

TEST(Checks, FindAnExampleThatIsNotCompiled) {
  EXPECT_THAT(
      ExamplesNotCompiled(
          kHeader, {{"a.cc", "using Thing = Other<One>;\nThing thing;"}}),
      ElementsAre("no source has the example of \"using Thing = Other<One,\""));
}

TEST(Checks, ExamplesEndWhereAnUnindentedLineIs) {
  EXPECT_THAT(ExamplesOf(kHeader),
              ElementsAre(ElementsAre("using Thing = Other<One,", "Two>;"),
                          ElementsAre("Thing thing;")));
}

}  // namespace
}  // namespace rpc::testing
