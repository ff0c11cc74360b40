#ifndef RPC_TESTS_FAULTS_MARKS_H_
#define RPC_TESTS_FAULTS_MARKS_H_

#include <cstdint>
#include <fstream>
#include <ios>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace rpc::testing {

// What a MarkingHandler leaves in its log of a request that it runs.
struct Mark {
  std::uint64_t argument = 0;
  bool redelivered = false;
};

// Follows a log to which any number of MarkingHandlers append.
// Thread-compatible.
class MarkReader {
 public:
  explicit MarkReader(std::string path) : path_(std::move(path)) {}

  // The marks that were made since this was called last.
  std::vector<Mark> ReadNew() {
    std::vector<Mark> marks;
    std::ifstream log(path_);
    log.seekg(read_);
    // What has no end yet is being written.
    for (std::string line; std::getline(log, line) && !log.eof();) {
      read_ += static_cast<std::streamoff>(line.size() + 1);
      Mark mark;
      std::istringstream(line) >> mark.argument >> mark.redelivered;
      marks.push_back(mark);
    }
    return marks;
  }

 private:
  const std::string path_;
  std::streamoff read_ = 0;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_FAULTS_MARKS_H_
