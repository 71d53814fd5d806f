// Must not compile: torch belongs to core/engine alone. test_must_not_compile uses the flags of the
// room.
#include <ATen/core/Tensor.h>
