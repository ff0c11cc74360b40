#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/docs/checks.h"
#include "tests/docs/markdown.h"
#include "tests/support/runfiles.h"

// What the documents and the comments say is so.
namespace rpc::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

std::string Read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(Runfile(path)).rdbuf();
  EXPECT_FALSE(text.str().empty()) << path;
  return text.str();
}

bool Exists(const std::string& path) {
  return std::filesystem::exists(Runfile(path));
}

bool IsExecutable(const std::string& path) {
  return std::filesystem::is_regular_file(Runfile(path)) &&
         access(Runfile(path).c_str(), X_OK) == 0;
}

// Files below `folder` with one of the endings.
Sources ReadAll(const std::string& folder,
                const std::vector<std::string>& endings) {
  Sources sources;
  const std::filesystem::path root = Runfile(folder);
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(root)) {
    const std::filesystem::path& path = entry.path();
    if (std::find(endings.begin(), endings.end(), path.extension()) ==
        endings.end()) {
      continue;
    }
    const std::string name =
        folder + "/" + path.lexically_relative(root).string();
    sources[name] = Read(name);
  }
  return sources;
}

// What a compiler reads of all that is meant to be read by people.
Sources ReadExamples() {
  Sources sources = ReadAll("examples", {".cc", ".h"});
  for (const char* path :
       {"tests/docs/doors_test.cc", "tests/docs/law_doors_test.cc"}) {
    sources[path] = Read(path);
  }
  return sources;
}

class Document : public ::testing::TestWithParam<const char*> {
 protected:
  const std::string text_ = Read(GetParam());
};

TEST_P(Document, HasBlocksOfKnownLanguagesOnly) {
  EXPECT_THAT(UnknownLanguages(text_), IsEmpty());
}

TEST_P(Document, ShowsCodeThatIsCompiled) {
  EXPECT_THAT(BlocksNotCompiled(text_, ReadExamples()), IsEmpty());
}

TEST_P(Document, LinksToWhatIsThere) {
  EXPECT_THAT(BrokenLinks(text_, Exists), IsEmpty());
}

TEST_P(Document, NamesCommandsThatAreThere) {
  EXPECT_THAT(CommandsNotThere(text_, IsExecutable), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Of, Document,
                         ::testing::Values("README.md", "DESIGN.md"),
                         [](const auto& each) {
                           const std::string path = each.param;
                           return path.substr(0, path.find('.'));
                         });

TEST(Readme, OpensWithHelloRabbitMqWhole) {
  const std::vector<FencedBlock> blocks = BlocksOf(Read("README.md"));
  const auto program = std::find_if(
      blocks.begin(), blocks.end(),
      [](const FencedBlock& block) { return block.language == "cpp"; });
  ASSERT_NE(program, blocks.end());
  std::vector<std::string> source = LinesOf(Read("examples/hello_rabbitmq.cc"));
  source.erase(
      source.begin(),
      std::find_if(source.begin(), source.end(), [](const std::string& line) {
        return line.rfind("#include", 0) == 0;
      }));
  EXPECT_EQ(program->lines, source);
}

TEST(Readme, ProgramIsTwentyLinesBesidesIncludes) {
  const std::vector<std::string> lines =
      LinesOf(Read("examples/hello_rabbitmq.cc"));
  EXPECT_LE(std::count_if(lines.begin(), lines.end(),
                          [](const std::string& line) {
                            return !line.empty() && line[0] != '#' &&
                                   line[0] != '/';
                          }),
            20);
}

// Headers whose indented comments are contracts and tables.
const std::vector<std::string>& NoExamples() {
  static const auto& paths = *new std::vector<std::string>{
      "rpc/handler/handler_policy.h", "rpc/message/wire.h", "rpc/rpc.h",
      "rpc/serializer/serializer_policy.h", "rpc/transport/transport_policy.h"};
  return paths;
}

Sources ReadHeaders() {
  Sources headers = ReadAll("rpc", {".h"});
  headers.merge(ReadAll("tests/laws", {".h"}));
  return headers;
}

TEST(Headers, ShowExamplesThatAreCompiled) {
  const Sources headers = ReadHeaders();
  const Sources examples = ReadExamples();
  std::size_t with_examples = 0;
  for (const auto& [path, text] : headers) {
    if (std::count(NoExamples().begin(), NoExamples().end(), path) > 0) {
      continue;
    }
    EXPECT_THAT(ExamplesNotCompiled(text, examples), IsEmpty()) << path;
    with_examples += ExamplesOf(text).empty() ? 0 : 1;
  }
  EXPECT_GE(with_examples, 10u);
  EXPECT_THAT(ExamplesOf(headers.at("rpc/endpoint.h")), SizeIs(1));
}

TEST(Headers, WithoutExamplesAreStillThere) {
  const Sources headers = ReadHeaders();
  for (const std::string& path : NoExamples()) {
    ASSERT_EQ(headers.count(path), 1u) << path;
    EXPECT_FALSE(ExamplesOf(headers.at(path)).empty()) << path;
  }
}

}  // namespace
}  // namespace rpc::testing
