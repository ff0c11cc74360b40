// message: Harness: a char is a byte.
static_assert(sizeof(char) == 2, "Harness: a char is a byte.");
