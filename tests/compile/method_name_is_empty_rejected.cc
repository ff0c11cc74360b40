// message: Method: the name is empty.
#include "rpc/message/method.h"

using Touch = rpc::Method<"", void()>;
static_assert(sizeof(Touch) > 0);
