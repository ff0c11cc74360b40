#ifndef RPC_TESTS_LINT_COMPILED_HEADERS_H_
#define RPC_TESTS_LINT_COMPILED_HEADERS_H_

namespace rpc::testing {

// Makes `header`, a path that outlives the program's tests, a test case of its
// own. Called by the translation unit that consists of that header; returns
// true so that an initializer can call it.
bool AddCompiledHeader(const char* header);

}  // namespace rpc::testing

#endif  // RPC_TESTS_LINT_COMPILED_HEADERS_H_
