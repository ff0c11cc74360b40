static_assert(sizeof(char) == 1, "Harness: a char is a byte.");
