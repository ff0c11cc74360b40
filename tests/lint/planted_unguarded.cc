// message: redefinition of
// clang-format off
#include "tests/lint/planted_unguarded.h"
#include "tests/lint/planted_unguarded.h"
