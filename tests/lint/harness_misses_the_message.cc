// message: Harness: a char is a byte.
// message: Harness: an int is a byte.
static_assert(sizeof(char) == 2, "Harness: a char is a byte.");
