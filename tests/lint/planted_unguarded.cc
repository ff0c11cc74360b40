// message: redefinition of
// clang-format off: it would drop the second one.
#include "tests/lint/planted_unguarded.h"
