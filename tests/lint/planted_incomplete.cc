// message: planted_incomplete.h
// clang-format off: it would drop the second one.
#include "tests/lint/planted_incomplete.h"
