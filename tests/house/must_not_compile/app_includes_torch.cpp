// Must not compile: the program sees only the engine's door. test_must_not_compile uses the flags
// of the room.
#include <ATen/core/Tensor.h>
