#include "rpc/message/method.h"

using Touch = rpc::Method<"t", void()>;
static_assert(sizeof(Touch) > 0);
