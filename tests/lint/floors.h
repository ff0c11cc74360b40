#ifndef RPC_TESTS_LINT_FLOORS_H_
#define RPC_TESTS_LINT_FLOORS_H_

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace rpc::testing {

// Path from the root of the repository -> the file's text.
using SourceTree = std::map<std::string, std::string>;

// The table rpc/FLOORS, whose own text says what it means. A value type.
class Floors {
 public:
  // INVALID_ARGUMENT, with the line, if `text` is no such table.
  static absl::StatusOr<Floors> Parse(std::string_view text);

  // What `headers` do that the table does not allow: one sentence each, with
  // the file and the line. Empty if all is well.
  std::vector<std::string> Breaches(const SourceTree& headers) const;

 private:
  struct Name {
    std::string name;
    std::vector<std::string> includes;
  };
  struct Floor {
    std::string header;
    std::size_t lines = 0;
    std::vector<std::string> may_include;
  };

  bool AddLine(const std::vector<std::string>& words);
  bool Knows(std::string_view name) const;
  std::string NameOf(std::string_view include) const;
  const Floor* FloorOf(std::string_view header) const;
  void CheckHeader(const std::string& header, const std::string& text,
                   std::vector<std::string>& breaches) const;

  std::vector<Name> names_;
  std::vector<Floor> floors_;
};

}  // namespace rpc::testing

#endif  // RPC_TESTS_LINT_FLOORS_H_
