#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

namespace rpc::fuzz {
namespace {

// libFuzzer's arguments from those of the test: its own flags last, so that
// they win, and the corpus as a copy, since libFuzzer adds to what it is given.
std::vector<std::string> Arguments(const std::vector<std::string>& given,
                                   const std::string& temporary,
                                   const std::string& outputs) {
  std::vector<std::string> arguments = {given.at(0),
                                        "-max_total_time=10",
                                        "-timeout=10",
                                        "-max_len=4096",
                                        "-verbosity=0",
                                        "-print_funcs=0",
                                        "-print_final_stats=1",
                                        "-artifact_prefix=" + outputs + "/"};
  const std::string copy = temporary + "/corpus";
  for (std::size_t i = 1; i < given.size(); ++i) {
    if (given[i].starts_with('-')) {
      arguments.push_back(given[i]);
      continue;
    }
    std::filesystem::create_directory(copy);
    std::filesystem::copy(given[i], copy,
                          std::filesystem::copy_options::recursive);
  }
  arguments.push_back(copy);
  return arguments;
}

}  // namespace
}  // namespace rpc::fuzz

// Called by libFuzzer before it reads its arguments. Outside of a Bazel test it
// leaves them as they are.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  const char* const temporary = std::getenv("TEST_TMPDIR");
  const char* const outputs = std::getenv("TEST_UNDECLARED_OUTPUTS_DIR");
  if (temporary == nullptr || outputs == nullptr) return 0;
  // As long as the process.
  static std::vector<std::string> arguments = rpc::fuzz::Arguments(
      std::vector<std::string>(*argv, *argv + *argc), temporary, outputs);
  static std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  *argc = static_cast<int>(arguments.size());
  *argv = pointers.data();
  return 0;
}
