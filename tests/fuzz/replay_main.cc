#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size);

// Runs a fuzz target on its corpus where there is no fuzzer, so that each
// compiler and each sanitizer sees what fuzzing once found.
namespace rpc::fuzz {
namespace {

std::string corpus;

void ForEachFile(const auto& visit) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(corpus)) {
    std::ifstream file(entry.path(), std::ios::binary);
    ASSERT_TRUE(file.good()) << entry.path();
    // The last line before an abort.
    std::fprintf(stderr, "%s\n", entry.path().c_str());
    visit(std::string(std::istreambuf_iterator<char>(file), {}));
    ++files;
  }
  EXPECT_GT(files, 0) << "no file in " << corpus;
}

// In memory of its own, so that AddressSanitizer sees each byte read too many.
void RunOn(const std::string& input) {
  const std::vector<std::uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

TEST(FuzzTarget, HoldsOnItsCorpus) {
  RunOn("");
  ForEachFile([](const std::string& input) { RunOn(input); });
}

TEST(FuzzTarget, HoldsOnItsCorpusCutAndDamaged) {
  constexpr std::size_t kRounds = 100;
  std::mt19937 random(1);
  ForEachFile([&](const std::string& input) {
    const std::size_t step = std::max<std::size_t>(input.size() / kRounds, 1);
    for (std::size_t size = 0; size < input.size(); size += step) {
      RunOn(input.substr(0, size));
    }
    for (std::size_t i = 0; i < kRounds && !input.empty(); ++i) {
      std::string damaged = input;
      for (unsigned damage = 1 + random() % 4; damage-- > 0;) {
        damaged[random() % damaged.size()] = static_cast<char>(random());
      }
      RunOn(damaged);
    }
  });
}

}  // namespace
}  // namespace rpc::fuzz

// Its argument is the directory of the corpus.
int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (argc != 2) return 2;
  rpc::fuzz::corpus = argv[1];
  return RUN_ALL_TESTS();
}
