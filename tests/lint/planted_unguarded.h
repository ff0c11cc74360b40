// Has no include guard.
inline int Planted() { return 0; }
