// Must not compile: the window never sees torch. test_must_not_compile uses the flags of the room.
#include <ATen/core/Tensor.h>
