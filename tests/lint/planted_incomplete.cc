// message: planted_incomplete.h
#include "tests/lint/planted_incomplete.h"
#include "tests/lint/planted_incomplete.h"
