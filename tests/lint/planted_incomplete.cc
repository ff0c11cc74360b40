// message: planted_incomplete.h
// clang-format off
#include "tests/lint/planted_incomplete.h"
#include "tests/lint/planted_incomplete.h"
