#ifndef RPC_TESTS_LINT_PLANTED_INCOMPLETE_H_
#define RPC_TESTS_LINT_PLANTED_INCOMPLETE_H_

// Relies on its user to include <string> before it.
inline std::string Planted() { return ""; }

#endif  // RPC_TESTS_LINT_PLANTED_INCOMPLETE_H_
