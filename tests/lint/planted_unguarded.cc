// message: redefinition of
#include "tests/lint/planted_unguarded.h"
#include "tests/lint/planted_unguarded.h"
