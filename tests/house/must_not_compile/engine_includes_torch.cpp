// Must not compile: the engine reaches libtorch through a table. test_must_not_compile uses the
// flags of the room.
#include <ATen/core/Tensor.h>
