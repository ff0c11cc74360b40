// message: Method: the name is longer than 128 bytes.
#include "rpc/message/method.h"

using Touch = rpc::Method<
    "0123456789012345678901234567890123456789012345678901234567890123"
    "0123456789012345678901234567890123456789012345678901234567890123"
    "x",
    void()>;
static_assert(sizeof(Touch) > 0);
